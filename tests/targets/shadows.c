/* shadows: constants and structs with the names of some of the kernel's and its headers'. */
#include "target.h"

enum mode { AF_INET = 77, MS_RDONLY = 5, FAN_OPEN = 6, TCP_ESTABLISHED = 78 };

struct node {
    int id;
};

struct cgroup {
    struct node *kn;
};

struct common {
    int skc_family;
};

struct sock {
    struct common __sk_common;
    enum mode m;
};

NOINLINE int shadowed(struct cgroup *c, struct sock *s) {
    return c->kn->id + s->__sk_common.skc_family;
}

int main(void) {
    struct node node = {3};
    struct cgroup cgroup = {&node};
    struct sock sock = {{4}, MS_RDONLY};
    return shadowed(&cgroup, &sock) == 7 ? 0 : 4;
}
