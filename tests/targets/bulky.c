/* bulky: a small file whose debug information takes 64 MiB. None of it is any use. */
__asm__(".section .debug_info, \"\", @progbits\n\t.fill 0x4000000, 1, 0\n\t.text");

int main(void) {
    return 0;
}
