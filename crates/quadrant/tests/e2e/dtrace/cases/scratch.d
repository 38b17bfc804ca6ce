#pragma D option quiet

BEGIN
{
	this->p = (int *)alloca(16);
	this->p[0] = 7; this->p[1] = 8;
	this->q = (int *)alloca(16);
	bcopy(this->p, this->q, 8);
	printf("%d %d %d\n", this->q[0], this->q[1], this->p != this->q);
	exit(0);
}
