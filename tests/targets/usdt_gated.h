/* A probe behind a semaphore; returns whether somebody was listening. */
int gated(long i, const char *text);
