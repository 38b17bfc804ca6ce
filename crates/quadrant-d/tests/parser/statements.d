BEGIN
{
	if (x) trace(1);
	if (x > 1 / 2) { trace(1); } else { trace(2) }
	if (a) b; else if (c) { d; } else e;
	if (x) ;
	trace(3)
}
