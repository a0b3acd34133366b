/* sqlbind - turns a room's .sql files into C: its migrations as texts, its queries as typed functions.
 *
 * SQL is not parsed here: SQLite is asked, with the migrations applied, so a query that does not fit the schema stops the build.
 * usage: sqlbind ROOM OUT.h QUERIES.sql|- [+OTHER_MIGRATION.sql...] MIGRATION.sql... */
#include <ctype.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word, *ctype, *lft, *decl;
} types[] = { { "id", "lf_id", "LF_T_ID", "INTEGER" },          { "int", "int64_t", "LF_T_INT", "INTEGER" },
              { "real", "double", "LF_T_REAL", "REAL" },        { "text", "lf_text", "LF_T_TEXT", "TEXT" },
              { "money", "lf_money", "LF_T_MONEY", "INTEGER" }, { "day", "lf_day", "LF_T_DAY", "INTEGER" },
              { "ms", "lf_ms", "LF_T_MS", "INTEGER" },          { "bool", "bool", "LF_T_BOOL", "INTEGER" },
              { "blob", "lf_text", "LF_T_BLOB", "BLOB" } };
enum { NTYPES = sizeof types / sizeof types[0], T_ID = 0, T_INT = 1, T_REAL = 2, T_TEXT = 3, T_BLOB = 8 };
static const struct {
    const char *suffix;
    int type;
} units[] = { { "_fen", 4 }, { "_day", 5 }, { "_at", 6 }, { "_id", 0 } };
/* The portable words of db/migrate.c, SQLite column. */
static const char *const words[][2] = { { "id", "INTEGER PRIMARY KEY AUTOINCREMENT" },
                                        { "int", "INTEGER" },
                                        { "money", "INTEGER" },
                                        { "ms", "INTEGER" },
                                        { "day", "INTEGER" },
                                        { "real", "REAL" },
                                        { "bool", "INTEGER" },
                                        { "text", "TEXT" },
                                        { "blob", "BLOB" },
                                        { "strict", "STRICT" } };

enum kind { MANY, ONE, EXEC };
struct named {
    char name[64];
    int type;
    bool used;
};
struct query {
    char name[64], doc[512], sql[8192];
    enum kind kind;
    bool scope_none;
    int line, np, nc;
    struct named par[32], col[64];
};

static const char *file;
static sqlite3 *db;
static FILE *out;

static _Noreturn void die(int line, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "%s:%d: error: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    size_t n = 0, cap = 1 << 20;
    char *b = calloc(1, cap + 1);
    n = fread(b, 1, cap, f);
    if (n == cap)
        die(0, "file too large");
    fclose(f);
    return b;
}

static void c_string(const char *s, const char *indent)
{
    fprintf(out, "%s\"", indent);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s == '\n')
            fprintf(out, s[1] ? "\\n\"\n%s\"" : "\\n", indent);
        else
            fputc(*s, out);
    }
    fputc('"', out);
}

static void migrate(const char *sql)
{
    char *text = calloc(1, strlen(sql) * 8 + 64), *o = text, *err = NULL;
    bool quoted = false;
    for (const char *s = sql; *s;) {
        size_t n = 0;
        const char *put = NULL;
        quoted ^= *s == '\'';
        if (quoted) {
            *o++ = *s++;
            continue;
        }
        if (s[0] == '-' && s[1] == '-') {
            while (*s && *s != '\n')
                s++;
            continue;
        }
        if (*s == '@')
            while (isalpha((unsigned char)s[1 + n]))
                n++;
        for (size_t i = 0; n && i < sizeof words / sizeof words[0]; i++)
            if (strlen(words[i][0]) == n && !memcmp(words[i][0], s + 1, n))
                put = words[i][1];
        if (put)
            o = stpcpy(o, put), s += n + 1;
        else
            *o++ = *s++;
    }
    if (sqlite3_exec(db, text, NULL, NULL, &err))
        die(0, "%s", err);
    free(text);
}

static int type_of_word(int line, const char *w)
{
    for (int i = 0; i < NTYPES; i++)
        if (!strcmp(types[i].word, w))
            return i;
    die(line, "unknown type %s", w);
    return -1;
}

static int type_of_name(const char *n) /* the unit is in the name */
{
    size_t len = strlen(n);
    if (!strcmp(n, "id"))
        return T_ID;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t k = strlen(units[i].suffix);
        if (len > k && !strcmp(n + len - k, units[i].suffix))
            return units[i].type;
    }
    return -1;
}

static struct named *find(struct named *list, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(list[i].name, name))
            return &list[i];
    return NULL;
}

/* :name -> $n; with ask, @scope(col) becomes a condition that SQLite can be asked about. Returns whether a scope was there. */
static bool rewrite(struct query *q, char *text, size_t cap, bool ask)
{
    size_t o = 0;
    bool scoped = false, quoted = false;
    for (const char *s = q->sql; *s && o + 256 < cap;) {
        if (*s == '\'')
            quoted = !quoted;
        if (!quoted && !strncmp(s, "@scope(", 7)) {
            const char *end = strchr(s, ')');
            if (!end)
                die(q->line, "@scope( without )");
            scoped = true;
            int n = (int)(end - s - 7);
            if (ask)
                o += (size_t)snprintf(text + o, cap - o, "(%.*s >= '' AND %.*s < '~')", n, s + 7, n, s + 7);
            else
                o += (size_t)snprintf(text + o, cap - o, "@scope(%.*s)", n, s + 7);
            s = end + 1;
        } else if (!quoted && *s == ':' && islower((unsigned char)s[1]) && (s == q->sql || s[-1] != ':')) {
            char name[64];
            size_t k = 0;
            for (s++; (isalnum((unsigned char)*s) || *s == '_') && k < sizeof name - 1; s++)
                name[k++] = *s;
            name[k] = 0;
            struct named *p = find(q->par, q->np, name);
            if (!p)
                die(q->line, "%s: parameter :%s is not declared", q->name, name);
            p->used = true;
            o += (size_t)snprintf(text + o, cap - o, "$%d", (int)(p - q->par) + 1);
        } else {
            text[o++] = *s++;
        }
    }
    text[o] = 0;
    return scoped;
}

static int column_type(struct query *q, sqlite3_stmt *st, int i)
{
    const char *name = sqlite3_column_name(st, i), *decl = sqlite3_column_decltype(st, i);
    struct named *declared = find(q->col, q->nc, name);
    int t = declared ? declared->type : type_of_name(name);
    if (declared)
        declared->used = true;
    if (t < 0 && decl)
        t = !strcmp(decl, "TEXT") ? T_TEXT : !strcmp(decl, "REAL") ? T_REAL : T_INT;
    if (t < 0)
        die(q->line, "%s: column %s is an expression and needs a '-- col: %s TYPE' line", q->name, name, name);
    if (decl && strcmp(decl, types[t].decl) != 0)
        die(q->line, "%s: column %s is %s in the schema, not %s", q->name, name, decl, types[t].word);
    return t;
}

static void emit_head(const struct query *q)
{
    fprintf(out, "__attribute__((unused)) static lf_rc %s(struct lf_ctx *cx", q->name);
    for (int i = 0; i < q->np; i++)
        fprintf(out, ", %s %s", types[q->par[i].type].ctype, q->par[i].name);
    fprintf(out,
            q->kind == MANY  ? ", struct lf_cur *cur)\n{\n"
            : q->kind == ONE ? ", struct %s_row *row)\n{\n"
                             : ", int64_t *changed)\n{\n",
            q->name);
    fprintf(out, "    struct lf_val v[%d + 2 * LF_SCOPE_MAX] = { ", q->np ? q->np : 1);
    for (int i = 0; i < q->np; i++)
        fprintf(out, "%s%s(%s)", i ? ", " : "", q->par[i].type == T_BLOB ? "lf_val_blob" : "LF_VAL", q->par[i].name);
    fprintf(out, "%s };\n    int n = %d;\n    const char *sql = lf_sql_scope(cx, %s_sql, v, &n);\n", q->np ? "" : "{ 0 }", q->np, q->name);
}

static const char *member(int t)
{
    return t == T_ID || t == 1 ? (t == T_ID ? ".v" : "") : t == 4 ? ".fen" : t == 5 ? ".v" : t == 6 ? ".ms" : "";
}

static void emit_get(const struct query *q, sqlite3_stmt *st, int *t, int nc)
{
    fprintf(out, "__attribute__((unused)) static void %s_get(struct lf_cur *cur, struct %s_row *row)\n{\n    struct lf_val v;\n", q->name,
            q->name);
    for (int i = 0; i < nc; i++) {
        const char *name = sqlite3_column_name(st, i);
        fprintf(out, "    v = (struct lf_val){ .t = %s };\n    lf_cur_get(cur, %d, &v);\n", types[t[i]].lft, i);
        if (t[i] == T_REAL)
            fprintf(out, "    row->%s = v.null ? (double)NAN : v.d;\n", name);
        else if (t[i] == T_TEXT || t[i] == T_BLOB)
            fprintf(out, "    row->%s = v.null ? (lf_text){ 0 } : v.s;\n", name);
        else if (t[i] == 7)
            fprintf(out, "    row->%s = !v.null && v.i;\n", name);
        else if (t[i] == 5)
            fprintf(out, "    row->%s.v = v.null ? LF_NULL32 : (int32_t)v.i;\n", name);
        else
            fprintf(out, "    row->%s%s = v.null ? %s : v.i;\n", name, member(t[i]), t[i] == T_ID ? "0" : "LF_NULL64");
    }
    fprintf(out, "}\n");
}

static void emit(struct query *q)
{
    char text[16384];
    sqlite3_stmt *st;
    int t[64];
    bool scoped = rewrite(q, text, sizeof text, true);
    if (!scoped && !q->scope_none)
        die(q->line, "%s: no @scope(column), and no '-- scope: none because ...'", q->name);
    if (sqlite3_prepare_v2(db, text, -1, &st, NULL))
        die(q->line, "%s: %s", q->name, sqlite3_errmsg(db));
    int nc = sqlite3_column_count(st);
    if (nc > 64)
        die(q->line, "%s: too many columns", q->name);
    if ((q->kind == EXEC) != (nc == 0))
        die(q->line, "%s: :exec is for statements without a result, :one and :many for those with one", q->name);
    for (int i = 0; i < nc; i++)
        t[i] = column_type(q, st, i);
    for (int i = 0; i < q->np; i++)
        if (!q->par[i].used)
            die(q->line, "%s: parameter %s is not used", q->name, q->par[i].name);
    for (int i = 0; i < q->nc; i++)
        if (!q->col[i].used)
            die(q->line, "%s: there is no column %s", q->name, q->col[i].name);
    rewrite(q, text, sizeof text, false);
    fprintf(out, "/* %s */\n", q->doc);
    fprintf(out, "static const char %s_sql[] = \"/* %s */ \"\n", q->name, q->name);
    c_string(text, "    ");
    fprintf(out, ";\n");
    if (q->kind != EXEC) {
        fprintf(out, "struct %s_row {\n", q->name);
        for (int i = 0; i < nc; i++)
            fprintf(out, "    %s %s;\n", types[t[i]].ctype, sqlite3_column_name(st, i));
        fprintf(out, "};\n");
        emit_get(q, st, t, nc);
    }
    emit_head(q);
    if (q->kind == MANY) {
        fprintf(out, "    return lf_sql_open(cx, sql, v, n, 0, cur);\n}\n");
        fprintf(out,
                "__attribute__((unused)) static lf_rc %s_next(struct lf_cur *cur, struct %s_row *row)\n{\n    lf_rc rc = "
                "lf_cur_next(cur);\n    if (rc == LF_ROW) %s_get(cur, row);\n    return rc;\n}\n\n",
                q->name, q->name, q->name);
    } else if (q->kind == ONE) {
        fprintf(out,
                "    struct lf_cur cur;\n    lf_rc rc = lf_sql_open(cx, sql, v, n, 0, &cur);\n    if (rc) return rc;\n    rc = "
                "lf_cur_next(&cur);\n    if (rc == LF_ROW) %s_get(&cur, row);\n"
                "    lf_cur_close(&cur);\n    return rc == LF_ROW ? LF_OK : rc == LF_DONE ? LF_ENOTFOUND : rc;\n}\n\n",
                q->name);
    } else {
        fprintf(out, "    return lf_sql_run(cx, sql, v, n, changed);\n}\n\n");
    }
    sqlite3_finalize(st);
}

static void add_doc(struct query *q, const char *s)
{
    size_t n = strlen(q->doc);
    snprintf(q->doc + n, sizeof q->doc - n, "%s%s", n ? " " : "", s);
}

static void add_named(struct named *list, int *n, int max, int line, const char *name, const char *type)
{
    if (*n == max)
        die(line, "too many of them");
    snprintf(list[*n].name, sizeof list[*n].name, "%s", name);
    list[(*n)++].type = type_of_word(line, type);
}

static int read_queries(char *s, struct query *list, int max)
{
    int line = 0, n = 0;
    struct query *q = NULL;
    for (char *e; *s; s = e) {
        char a[64], b[64];
        e = strchrnul(s, '\n');
        if (*e)
            *e++ = 0;
        line++;
        if (sscanf(s, "-- name: %63s :%63s", a, b) == 2) {
            if (n == max)
                die(line, "too many queries in one file");
            q = &list[n++];
            q->line = line;
            memcpy(q->name, a, sizeof a);
            q->kind = !strcmp(b, "many")   ? MANY
                      : !strcmp(b, "one")  ? ONE
                      : !strcmp(b, "exec") ? EXEC
                                           : (die(line, ":%s is not :many, :one or :exec", b), EXEC);
        } else if (!*s || (!q && !strncmp(s, "--", 2))) {
            continue;
        } else if (!q) {
            die(line, "SQL before the first '-- name:'");
        } else if (!strncmp(s, "-- scope: none because ", 23)) {
            q->scope_none = true;
            add_doc(q, s + 3);
        } else if (sscanf(s, "-- param: %63s %63s", a, b) == 2) {
            add_named(q->par, &q->np, 32, line, a, b);
        } else if (sscanf(s, "-- col: %63s %63s", a, b) == 2) {
            add_named(q->col, &q->nc, 64, line, a, b);
        } else if (!strncmp(s, "-- ", 3)) {
            add_doc(q, s + 3);
        } else {
            size_t k = strlen(q->sql);
            if (k + strlen(s) + 2 > sizeof q->sql)
                die(line, "statement too long");
            sprintf(q->sql + k, "%s\n", s);
            char *semi = strrchr(q->sql + k, ';');
            if (semi)
                *semi = 0;
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    static struct query list[64];
    if (argc < 4 || sqlite3_open(":memory:", &db) || !(out = fopen(argv[2], "w"))) {
        fprintf(stderr, "usage: sqlbind ROOM OUT.h QUERIES.sql|- MIGRATION.sql...\n");
        return 2;
    }
    const char *room = argv[1];
    fprintf(out, "/* made by sqlbind from the .sql files of %s: edit those */\n#pragma once\n#include \"db/db.h\"\n\n", room);
    int own = 0;
    for (int i = 4; i < argc; i++) {
        bool other = argv[i][0] == '+'; /* a table of another room that the queries join: applied, not owned */
        file = argv[i] + other;
        char *sql = slurp(file);
        const char *base = strrchr(file, '/');
        base = base ? base + 1 : file;
        migrate(sql);
        if (other) {
            free(sql);
            continue;
        }
        if (!own++) /* a room may have queries only */
            fprintf(out, "__attribute__((unused)) static const struct lf_migration %s_migrations[] = {\n", room);
        fprintf(out, "    { \"%s/%.*s\",\n", room, (int)strcspn(base, "."), base);
        c_string(sql, "      ");
        fprintf(out, " },\n");
        free(sql);
    }
    fputs(own ? "};\n\n" : "", out);
    int n = 0;
    if (strcmp(argv[3], "-") != 0) {
        file = argv[3];
        char *text = slurp(argv[3]);
        n = read_queries(text, list, 64);
        for (int i = 0; i < n; i++)
            emit(&list[i]);
        free(text);
    }
    if (n) {
        fprintf(out, "__attribute__((unused)) static const struct lf_statement %s_statements[] = {\n", room);
        for (int i = 0; i < n; i++)
            fprintf(out, "    { \"%s\", %s_sql },\n", list[i].name, list[i].name);
        fprintf(out, "};\n");
    }
    sqlite3_close(db);
    return fclose(out) ? 1 : 0;
}
