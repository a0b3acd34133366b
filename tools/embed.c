/* embed - files as a C table, for the pages and data that the program carries. The bytes go in by the assembler's .incbin,
 * which is much faster to compile than numbers.
 * usage: embed OUT.c SYMBOL ROOT FILE...   paths in the table are relative to ROOT and sorted */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int by_path(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: embed OUT.c SYMBOL ROOT FILE...\n");
        return 2;
    }
    const char *symbol = argv[2], *root = argv[3];
    size_t skip = strlen(root);
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
        fprintf(o, "__asm__(\".section .rodata\\n.global %s_%d\\n%s_%d:\\n.incbin \\\"%s\\\"\\n.byte 0\\n.previous\\n\");\nextern const unsigned char %s_%d[];\n", symbol, i, symbol, i, file[i], symbol, i);
    }
    fprintf(o, "extern const struct lf_asset %s[];\nextern const size_t %s_count;\nconst struct lf_asset %s[] = {\n", symbol, symbol, symbol);
    for (int i = 0; i < n; i++) {
        struct stat st;
        const char *path = !strncmp(file[i], root, skip) ? file[i] + skip : file[i];
        while (*path == '/') path++;
        stat(file[i], &st);
        fprintf(o, "    { \"%s\", %s_%d, %lld },\n", path, symbol, i, (long long)st.st_size);
    }
    fprintf(o, "    { 0 },\n};\nconst size_t %s_count = %d;\n", symbol, n);
    return fclose(o) ? 1 : 0;
}
