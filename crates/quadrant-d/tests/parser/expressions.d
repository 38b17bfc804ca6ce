BEGIN
{
	a = b = c, d;
	a += 1; a -= 2; a *= 3; a /= 4; a %= 5; a &= 6; a |= 7; a ^= 8; a <<= 9; a >>= 10;
	x = a || b ^^ c && d | e ^ f & g == h != i < j > k <= l >= m << n >> o + p - q * r / s % t;
	x = (a + b) * -c + !d + ~e + +f + *g + &h;
	x = a ? b : c ? d : e;
	x = a ? b, c : d;
	a++; --b; ++a[1]; a->b++;
	x = args[0]->b_bcount + curpsinfo->pr_psargs[2].f.if;
	x = self->a[pid, "k"]->m + this->b;
	@a[1, "x", stack(5)] = lquantize(arg0, 0, 100, 10);
	@ = count();
	@[probefunc] = sum(1);
	x = sizeof (int) + sizeof(struct foo *) + sizeof x + sizeof (x) + sizeof (foo_t) + sizeof (string[4]);
	x = offsetof(struct foo, a.b);
	s = stringof(a) + stringof a->b;
	x = xlate <psinfo_t *> (curthread)->pr_pid + xlate<struct foo>(a).b;
	x = (int)a + (unsigned long long)b + (struct foo *)c + (foo_t *)d + (foo_t)e + (uint64_t)-1 + (foo) - 1 + (foo)(x);
	x = (char **)a + (int (*)(int, char *))b + (struct mod`foo *)c + (mod`foo_t *)d;
	x = `kmem_flags + genunix`kmem_flags + a.out;
	x = 'a' + '\n' + 'ab' + '\0';
	x = 0 + 017 + 0x1F + 1u + 2UL + 3ull + 4L + 18446744073709551615;
	s = "a\tb\"c\\\101\x42\q";
	x = $1 + $$2 + $target + $0;
	x = a+++b;
	x = a- -b;
	trace(1), trace(2);
	;
	x = f() + g(1, (2, 3));
	cleanpath("/a")[0];
}
