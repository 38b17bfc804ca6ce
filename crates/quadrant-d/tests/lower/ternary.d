inline int OPT = 1;
inline int OFF = 0;
BEGIN { OPT ? printf("on ") : 1; OFF ? printf("off ") : 1; printf("all\n"); }
BEGIN { pid == 1 ? trace("a") : trace("b"); trace("c"); x = 1; pid ? x++ : 0; }
BEGIN { OFF ? printf("a") : OPT ? printf("b") : printf("c"); }
