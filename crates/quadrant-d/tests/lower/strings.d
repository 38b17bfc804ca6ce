string s;
BEGIN {
    s = "abc";
    self->t = execname;
    this->eq = s == self->t;
    this->ne = s != "x";
    this->lt = s < self->t;
    this->n = self->t != NULL;
    s = strjoin(s, "!");
    this->len = strlen(s) + strlen("four");
    this->i = index(s, "b") + rindex(s, "b", 2);
    this->sub = substr(s, 1, 2);
    this->c = strchr(s, 'b');
    this->st = strstr(s, "c");
    this->tok = strtok(s, ","); this->tok = strtok(NULL, ",");
    this->bn = basename(dirname(cleanpath(s)));
    this->l = lltostr(12, 16);
    this->n2 = strtoll("12");
    this->up = toupper(tolower(s));
    this->j = json(s, "a.b");
    this->so = stringof(curthread->comm);
    this->sp = stringof(curthread->name);
    this->ip = inet_ntop(2, curthread);
    s = NULL;
    self->t = 0;
    trace(curthread->comm == "init");
    trace(curthread->comm);
    trace(curthread->name == s ? "same" : s);
}
