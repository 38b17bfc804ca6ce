#ifndef TYPES_H
#define TYPES_H

#define LIMIT (1 << 4)

struct imported {
  int first;
  long last;
};

#endif
