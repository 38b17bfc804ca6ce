#pragma D option quiet

struct point { int x; int y; char name[8]; };
typedef struct point point_t;
union either { uint32_t word; uint8_t bytes[4]; };
struct bits { unsigned int low : 4; unsigned int high : 12; };
enum level { NONE, SOME = 10, MORE };
inline int DOUBLE = 2 * 21;
inline string GREETING = "hello";

struct point origin;
this union either e;

BEGIN
{
	origin.x = 3; origin.y = -4;
	printf("%d %d %d\n", origin.x, origin.y, sizeof (point_t));
	this->e.word = 0x01020304;
	printf("%x %x\n", this->e.bytes[0], this->e.bytes[3]);
	printf("%d %d %d\n", NONE, SOME, MORE);
	printf("%d %s\n", DOUBLE, GREETING);
	printf("%d %d\n", offsetof(struct point, y), sizeof (struct bits));
	exit(0);
}
