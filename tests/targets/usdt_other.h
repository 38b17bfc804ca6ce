/* The same probe behind another semaphore; returns whether somebody was listening. */
int other(long i);
