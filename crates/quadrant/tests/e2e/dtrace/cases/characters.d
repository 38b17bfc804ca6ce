#pragma D option quiet

struct s { char four[4]; char five[5]; char rest[8]; signed char odd[3]; };

this struct s *p;

/* All of an array is text, also where it has no NUL at its end. */
BEGIN
{
	this->p = (struct s *)alloca(sizeof (struct s));
	this->p->four[0] = 'a'; this->p->four[1] = 'b'; this->p->four[2] = 'c'; this->p->four[3] = 'd';
	this->p->five[0] = 'x'; this->p->rest[0] = 'r'; this->p->odd[0] = 'o'; this->p->odd[1] = 'd'; this->p->odd[2] = 'd';
	printf("[%s] [%6s] [%.2s] [%s] [%s]\n", this->p->four, this->p->four, this->p->four, this->p->five, this->p->odd);
	printf("%d %d %d\n", strlen(this->p->four), this->p->four == "abcd", strlen(strjoin(this->p->four, this->p->rest)));
	print(this->p->four);
	print(*this->p);

	/* In rows it is text: in columns, or without them where a NUL ends it. */
	trace(this->p->four); trace("|"); trace(this->p->five); trace("|"); trace(this->p->rest); trace("\n");

	/* What does not look like text is shown byte by byte. */
	this->p->five[2] = 'y'; this->p->rest[0] = 1; this->p->odd[0] = 0; this->p->odd[1] = 0; this->p->odd[2] = 0;
	trace(this->p->five); trace(this->p->rest); trace(this->p->odd);

	@[this->p->four] = count();
	exit(0);
}
