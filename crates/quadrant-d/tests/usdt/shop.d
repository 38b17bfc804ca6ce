typedef unsigned int myid_t;
typedef struct thing *thing_p;
enum color { RED };
provider shop {
	probe open();
	probe sale__done(int, char *, unsigned char, short, long long, uint16_t, myid_t, thing_p, enum color, unsigned long, string, Unknown_t);
	probe weigh(double, float);
};
provider bank { probe open(int n); };
#pragma D attributes Evolving/Evolving/Common provider shop provider
