#pragma D option quiet

BEGIN
{
	this->p = (char *)alloca(20);
	this->p[0] = 'a'; this->p[1] = 1; this->p[19] = 'z';
	tracemem(this->p, 20);
	tracemem(this->p, 20, 2);
	exit(0);
}
