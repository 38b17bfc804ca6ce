#pragma D option quiet

inline string BOLD = "\033[1m";
string red; self string kept; string by_number[int]; string mixed; char *bytes;

/* What the script says is shown as it stands there, also by way of variables. */
BEGIN
{
	red = "\033[31m"; self->kept = red; by_number[1] = pid > 1 ? strjoin("\033[", "32m") : BOLD; this->text = by_number[1];
	printf("%s|%s|%s|%6.5s|%s|", red, self->kept, by_number[1], this->text, BOLD);
	trace(red); trace(this->text); printf("\n");
	@own[red, 1] = count();
}

/* Memory may hold what another chose: it is escaped, and so is a variable that once held such a text. */
BEGIN
{
	bytes = (char *)alloca(8); bytes[0] = '\033'; bytes[1] = 'x';
	mixed = pid ? stringof(bytes) : ""; mixed = pid ? mixed : "\033[0m";
	printf("%s|", mixed); trace(mixed); printf("\n");
	@foreign[mixed, "\033[3m"] = count();
	printa("%s%d %@d\n", @own);
	printa(@own);
	printa(@foreign);
	/* Rows have the keys of all aggregations. */
	@apart["\033[4m", 1] = count(); @foreign_too[mixed, 1] = count();
	printa("%s%d %@d %@d\n", @apart, @foreign_too);
	printa(@apart, @foreign_too);
	exit(0);
}
