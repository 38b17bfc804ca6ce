/* The types of a kernel. */
struct moved {
	long added;
	int second;
	int first;
	char text[16];
	unsigned int before : 7;
	unsigned int bits : 3;
	unsigned int more : 6;
	union {
		int other;
		int inner;
	};
	int array[8];
	void *pointer;
	unsigned long grown;
};

enum color { RED = 10, GREEN = 20 };
typedef int number_t;
struct twice { int here; };

struct moved moved;
enum color color;
number_t number;
struct twice twice;
