/* loader OBJECT [NAME=VALUE | @PROGRAM=FILE:FUNCTION | @PROGRAM=FILE:PROVIDER:NAME]... -- COMMAND...
 * Loads and attaches an object by libbpf, as a tool's own loader would, runs the command, and prints variables, hash maps with keys of
 * up to 8 bytes, and how many records came. The value `cpid` is the command's process. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* Calls `each` for the variables of a section. */
static void variables(const struct btf *btf, const char *section, void *data,
                      void (*each)(const char *, const struct btf_var_secinfo *, char *, void *), void *more) {
    int id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
    if (id < 0)
        return;
    const struct btf_type *type = btf__type_by_id(btf, id);
    for (int i = 0; i < btf_vlen(type); i++) {
        const struct btf_var_secinfo *info = btf_var_secinfos(type) + i;
        const char *name = btf__name_by_offset(btf, btf__type_by_id(btf, info->type)->name_off);
        each(name, info, (char *)data + info->offset, more);
    }
}

struct setting {
    const char *name, *value;
    int found;
};

static void set_one(const char *name, const struct btf_var_secinfo *info, char *place, void *more) {
    struct setting *setting = more;
    if (strcmp(name, setting->name))
        return;
    setting->found = 1;
    char *end;
    long number = strtol(setting->value, &end, 0);
    if (*end)
        strncpy(place, setting->value, info->size);
    else
        memcpy(place, &number, info->size < sizeof(number) ? info->size : sizeof(number));
}

static void set(struct bpf_object *object, const char *name, const char *value) {
    struct setting setting = {name, value, 0};
    struct bpf_map *map;
    bpf_object__for_each_map(map, object) {
        const char *section = strchr(bpf_map__name(map), '.');
        size_t size;
        void *data = (void *)bpf_map__initial_value(map, &size);
        if (section && data)
            variables(bpf_object__btf(object), section, data, set_one, &setting);
    }
    if (!setting.found) {
        fprintf(stderr, "no variable %s\n", name);
        exit(1);
    }
}

static void attach_to(struct bpf_object *object, char *name, char *place) {
    struct bpf_program *program = bpf_object__find_program_by_name(object, name);
    char *function = strchr(place, ':'), *last;
    if (!program || !function)
        fail(name);
    *function++ = 0;
    if ((last = strchr(function, ':'))) {
        *last++ = 0;
        if (!bpf_program__attach_usdt(program, -1, place, function, last, NULL))
            fail("attach_usdt");
        return;
    }
    LIBBPF_OPTS(bpf_uprobe_opts, options, .func_name = function,
                .retprobe = !strncmp(bpf_program__section_name(program), "uret", 4));
    if (!bpf_program__attach_uprobe_opts(program, -1, place, 0, &options))
        fail("attach_uprobe");
}

static int count(void *counter, void *data, size_t size) {
    (void)data, (void)size;
    ++*(long *)counter;
    return 0;
}

static void show_variable(const char *name, const struct btf_var_secinfo *info, char *place, void *more) {
    long number = 0;
    (void)more;
    if (info->size > sizeof(number))
        return;
    memcpy(&number, place, info->size);
    printf("%s = %ld\n", name, number);
}

static void show_hash(struct bpf_map *map) {
    int cpus = bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH ? libbpf_num_possible_cpus() : 1;
    unsigned long key = 0, next = 0, values[cpus];
    void *last = NULL;
    while (!bpf_map_get_next_key(bpf_map__fd(map), last, &next)) {
        unsigned long sum = 0;
        memset(values, 0, sizeof(values));
        if (bpf_map_lookup_elem(bpf_map__fd(map), &next, values))
            fail("lookup");
        for (int cpu = 0; cpu < cpus; cpu++)
            sum += values[cpu];
        printf("%s[%lu]: %lu\n", bpf_map__name(map), next, sum);
        key = next;
        last = &key;
    }
}

static void show(struct bpf_object *object) {
    struct bpf_map *map;
    bpf_object__for_each_map(map, object) {
        const char *section = strchr(bpf_map__name(map), '.');
        enum bpf_map_type type = bpf_map__type(map);
        if (section) {
            char bytes[bpf_map__value_size(map)];
            int zero = 0;
            if (bpf_map_lookup_elem(bpf_map__fd(map), &zero, bytes))
                fail("lookup of variables");
            variables(bpf_object__btf(object), section, bytes, show_variable, NULL);
        } else if ((type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_PERCPU_HASH) && bpf_map__key_size(map) <= 8 &&
                   bpf_map__value_size(map) == 8) {
            show_hash(map);
        }
    }
}

/* A child that waits for a byte, then becomes the command. */
static pid_t start(char **command, int *go) {
    int ends[2];
    char byte;
    if (pipe(ends))
        fail("pipe");
    pid_t child = fork();
    if (child)
        return close(ends[0]), *go = ends[1], child;
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 1)
        exit(127);
    execv(command[0], command);
    fail(command[0]);
    return 0;
}

int main(int argc, char **argv) {
    int at = 2, go, status;
    while (at < argc && strcmp(argv[at], "--"))
        at++;
    if (at + 1 >= argc)
        return 2;
    pid_t child = start(argv + at + 1, &go);
    struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
    if (!object)
        fail("open");
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", child);
    for (int i = 2; i < at; i++) {
        char *value = strchr(argv[i], '=');
        if (argv[i][0] == '@' || !value)
            continue;
        *value++ = 0;
        set(object, argv[i], strcmp(value, "cpid") ? value : pid);
    }
    if (bpf_object__load(object))
        fail("load");
    struct bpf_program *program;
    bpf_object__for_each_program(program, object) {
        const char *section = bpf_program__section_name(program);
        if (strchr(section, '/') && !bpf_program__attach(program))
            fail(section);
    }
    for (int i = 2; i < at; i++) {
        char *place = strchr(argv[i], '=');
        if (argv[i][0] != '@' || !place)
            continue;
        *place++ = 0;
        attach_to(object, argv[i] + 1, place);
    }
    long records = 0;
    struct ring_buffer *ring = NULL;
    struct bpf_map *map;
    bpf_object__for_each_map(map, object) {
        if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF)
            ring = ring_buffer__new(bpf_map__fd(map), count, &records, NULL);
    }
    if (write(go, "", 1) != 1)
        fail("go");
    while (!waitpid(child, &status, WNOHANG))
        if (ring)
            ring_buffer__poll(ring, 10);
        else
            usleep(10000);
    if (ring)
        ring_buffer__consume(ring);
    show(object);
    if (ring)
        printf("records = %ld\n", records);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
