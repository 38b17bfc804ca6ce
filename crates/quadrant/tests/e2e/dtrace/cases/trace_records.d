#pragma D option quiet
struct two { short a; };
struct four { int a; };
BEGIN
{
	this->w = (int *)alloca(8);
	this->w[0] = 0x434241;
	this->w[1] = 1;
	trace(*(struct two *)this->w);
	trace(*(struct four *)this->w);
	trace(*(struct four *)(this->w + 1));
	trace(*(short (*)[4])this->w);
	exit(0);
}
