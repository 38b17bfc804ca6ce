// dropped: a parameter that goes by its address and is not used, of which clang says nothing where the function is variadic.
struct Copied {
    long value;
    Copied() : value(3) {}
    Copied(const Copied &other);
    ~Copied();
};

volatile long sum;

Copied::Copied(const Copied &other) : value(other.value) {}
Copied::~Copied() {}

void dropped(Copied copied, int after, ...) { sum += after; }
void kept(Copied copied, int after) { sum += after; }

int main() {
    dropped(Copied(), 2);
    kept(Copied(), 2);
    return 0;
}
