//! What the command line is told about itself.

/// Printed for `--help`, for a command line that makes no sense, and for none at all.
pub const USAGE: &str = "\
Usage: dtrace [-aACeFGhHlqSvVwZ] [-64] [-b bufsize] [-c command] [-D name[=value]] [-I folder] [-L folder] [-o file]
              [-p pid] [-s script] [-U name] [-x option[=value]] [-X a|c|s|t]
              [-P provider[[/predicate/] {action}]] [-m [provider:]module[[/predicate/] {action}]]
              [-f [[provider:]module:]function[[/predicate/] {action}]]
              [-n [[[provider:]module:]function:]name[[/predicate/] {action}]]
              [-i probe-id[[/predicate/] {action}]] [macro argument ...]

What to trace
  -P -m -f -n -i  enable (with -l: list) probes by provider, module, function, name, number
  -s script       enable the probes of a script
  -c command      run this command; its process is $target; the trace ends with the last of all processes of -c and -p
  -p pid          the same for a process that runs already
  -Z              probes that do not exist (yet) are no error
  -w              allow actions that change the system
  --cgroup path, --container id
                  only what runs in this control group or container (not in DTrace)
  --exact-entries
                  keep probes at a function's first instruction, even if it must be executed in single step (not in DTrace)
  --overhead      print at the end what the trace itself has cost (not in DTrace)
  --max-overhead percent
                  keep the probes below this part of one CPU: warn, let only some firings count, end (not in DTrace)

What to print
  -q  only what the program prints                 -o  add it to the end of this file
  -F  show calls and returns by indenting          -v  describe programs and probes
  -S  list the eBPF code                           -x  set an option of D

What to do instead of tracing
  -e  compile, and stop                            -l  list probes (with -v: their arguments)
  -h  make a C header for a provider (-s)          -G  make an object file for a provider (-s)
  -V  print the version

The text of programs
  -C  send it through the C preprocessor           -D -U -I  as those of cpp
  -H  print the names of files that cpp includes   -L  look for D libraries here, too
  -X  conformance of cpp to ISO C                  -b  size of the trace buffer
";

/// Why there is no anonymous tracing.
pub const ANONYMOUS: &str = "\
anonymous tracing is not supported: Linux loads no tracing programs before it runs the first process";

/// What to do instead.
pub const INSTEAD: &str = "\
to trace the start of the system, run `dtrace -x bufpolicy=ring -o FILE -s SCRIPT` from a service that starts early \
(systemd: DefaultDependencies=no, Before=sysinit.target) and stop the service to have the trace";
