/* loads LIBRARY [COUNT]: loads libcalls.so at run time and calls its target_call COUNT times. */
#include <dlfcn.h>

#include "target.h"

typedef long call(long i, const char *text);

/* Calls it from a function with a name, so that there is one in the stack. */
static NOINLINE long call_loaded(call *loaded, long count) {
    long total = 0;
    for (long i = 0; i < count; i++)
        total += loaded(i, "loads");
    return total;
}

int main(int argc, char **argv) {
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    call *loaded = library ? (call *)dlsym(library, "target_call") : NULL;
    long count = count_at(argc, argv, 2);

    if (!loaded)
        return 6;
    return call_loaded(loaded, count) == count * (count - 1) ? 0 : 4;
}
