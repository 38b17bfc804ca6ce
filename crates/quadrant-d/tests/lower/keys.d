/* Texts in keys have the room that the longest needs, unless two aggregations are joined by their keys. */
BEGIN
{
	@joined[execname] = count();
	@other[execname] = count();
	printa(@joined, @other);
	@own[execname] = count();
	@both["a", pid] = count();
	@both[execname, pid] = count();
	@any[strjoin(execname, "x")] = count();
	array["key", 1] = 2;
	trace(array[execname, 1]);
}
