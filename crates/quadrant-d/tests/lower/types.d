/* Integers: promotions, conversions, constants. */
int i;
unsigned int u;
char c;
BEGIN {
    i = 1; u = 2; c = 'a';
    this->a = i + u;
    this->b = i * 2L;
    this->c = c + c;
    this->d = (char)300;
    this->e = 1 << 31;
    this->f = 0xffffffff;
    this->g = -1 < 1U;
    this->h = i < u;
    this->i = (unsigned char)i >> 1;
    this->j = i / 3 % 2;
    this->k = ~i & 0xff;
    this->l = !i ^^ u;
    this->m = i && u || c;
    this->n = i ? u : c;
    this->o = (i, u);
    this->p = (long)i;
    this->q = 5 / 2 + 7 % 4;
    this->r = "a" == "b";
    this->s = sizeof (int) + sizeof (string) + sizeof (struct task_struct) + sizeof (this->a);
    this->t = offsetof(struct task_struct, real_parent);
    i += u; i <<= 2; u -= 1; u |= 4;
    i++; --u;
    this->u = i++;
    this->i++;
}
