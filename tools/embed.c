/* embed - files as a C table, for the pages and data that the program carries. The bytes go in by the assembler's .incbin,
 * which is much faster to compile than numbers.
 * usage: embed OUT.c SYMBOL ROOT[:ROOT...] FILE...   paths in the table are relative to the root they lie in, and sorted */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *roots;

/* The path without the root it lies in. */
static const char *inner(const char *path)
{
    for (const char *r = roots; *r; r += strspn(r, ":")) {
        size_t n = strcspn(r, ":");
        if (!strncmp(path, r, n) && path[n] == '/')
            return path + n + 1;
        r += n;
    }
    return path;
}

static int by_path(const void *a, const void *b) { return strcmp(inner(*(char *const *)a), inner(*(char *const *)b)); }

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: embed OUT.c SYMBOL ROOT FILE...\n");
        return 2;
    }
    const char *symbol = argv[2];
    roots = argv[3];
    FILE *o = fopen(argv[1], "w");
    if (!o) {
        perror(argv[1]);
        return 1;
    }
    char **file = argv + 4;
    int n = argc - 4;
    qsort(file, (size_t)n, sizeof *file, by_path);
    fprintf(o, "/* made by embed: do not edit */\n#include \"core/app.h\"\n\n");
    for (int i = 0; i < n; i++) {
        struct stat st;
        if (stat(file[i], &st)) {
            perror(file[i]);
            return 1;
        }
        fprintf(o,
                "__asm__(\".section .rodata\\n.global %s_%d\\n%s_%d:\\n.incbin \\\"%s\\\"\\n.byte 0\\n.previous\\n\");\nextern const "
                "unsigned char %s_%d[];\n",
                symbol, i, symbol, i, file[i], symbol, i);
    }
    fprintf(o, "extern const struct lf_asset %s[];\nextern const size_t %s_count;\nconst struct lf_asset %s[] = {\n", symbol, symbol,
            symbol);
    for (int i = 0; i < n; i++) {
        struct stat st;
        const char *path = inner(file[i]);
        stat(file[i], &st);
        fprintf(o, "    { \"%s\", %s_%d, %lld },\n", path, symbol, i, (long long)st.st_size);
    }
    fprintf(o, "    { 0 },\n};\nconst size_t %s_count = %d;\n", symbol, n);
    return fclose(o) ? 1 : 0;
}
