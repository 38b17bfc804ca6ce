#!/bin/busybox sh
# The guest's first process. It mounts what a tracer needs, runs /command, and stops the machine.
#
# The command's standard output, its standard error and its exit status have a channel each. What the kernel and this
# script write goes to the console, which is none of them.

/bin/busybox --install -s /bin
export PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/ TERM=dumb LANG=C.UTF-8

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
chmod 1777 /tmp
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
ip link set lo up

# The channels to the outside: by name where the kernel has virtio ports, or else serial ports on PCI, in this order.
ports=
for name in stdout stderr status; do
    for port in /sys/class/virtio-ports/*; do
        [ -e "$port" ] && [ "$(cat "$port/name")" = $name ] && ports="$ports /dev/${port##*/}"
    done
done
if [ -z "$ports" ]; then
    for port in /sys/class/tty/ttyS*; do
        case $(readlink -f "$port/device") in
        */pci*) ports="$ports /dev/${port##*/}" && stty -F "/dev/${port##*/}" raw -echo ;;
        esac
    done
fi
set -- $ports

# Pipes, because a command behaves differently on a terminal.
mkfifo /run/output /run/errors
cat /run/output > "$1" & output=$!
cat /run/errors > "$2" & errors=$!
sh /command < /dev/null > /run/output 2> /run/errors
status=$?

# What the command left running would keep the pipes open. Kernel threads have no program.
for process in /proc/[0-9]*; do
    case ${process#/proc/} in
    $$ | $output | $errors) ;;
    *) readlink "$process/exe" > /dev/null && kill -KILL "${process#/proc/}" ;;
    esac
done
wait
echo "$status" > "$3"
sync
reboot -f
