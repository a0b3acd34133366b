/* Runs the fuzz target without libFuzzer: every file of the corpus, then mutations of them for a fixed number of rounds and
 * a fixed seed, so that `meson test` fuzzes a little each time and gives the same answer on every machine.
 * Usage: replay CORPUS_DIR [ROUNDS [SEED]] */
#include "base/arena.h"
#include "base/random_testing.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_INPUTS = 1000, MAX_BYTES = 16 * 1024 };
static struct {
    uint8_t *p;
    size_t n;
} inputs[MAX_INPUTS];
static size_t input_count;
static bool load(const char *dir)
{
    char path[4096];
    struct dirent **name;
    int n = scandir(dir, &name, NULL, alphasort); /* in the same order on every machine */
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, name[i]->d_name);
        FILE *f = name[i]->d_name[0] == '.' || input_count == MAX_INPUTS ? NULL : fopen(path, "rb");
        if (f) {
            inputs[input_count].p = lf_new(MAX_BYTES);
            inputs[input_count].n = fread(inputs[input_count].p, 1, MAX_BYTES, f);
            input_count++;
            fclose(f);
        }
        free(name[i]);
    }
    if (n >= 0)
        free(name);
    return input_count > 0;
}

static size_t mutate(uint8_t *p, size_t n)
{
    static const char *const words[] = { "##",   "&&",   "\r\n", "CP=&&", "##0000FFFF\r\n", ";",  ",",
                                         "//",   "-",    "=",    "QN=",   "0000",           "\n", "\"",
                                         "{",    "[",    "}",    ":",     "1e309",          "-1", "%",
                                         "null", "\xff", "<v>",  "</c>" };
    size_t at = pick(n + 1), other = pick(input_count), len;
    const char *word = words[pick(LF_COUNT(words))];
    switch (pick(6)) {
    case 0: /* flip a bit */
        if (n)
            p[at % n] ^= (uint8_t)(1u << pick(8));
        return n;
    case 1: /* cut */
        len = pick(n - at + 1);
        memmove(p + at, p + at + len, n - at - len);
        return n - len;
    case 2: /* put a word in */
        len = strlen(word);
        if (n + len > MAX_BYTES)
            return n;
        memmove(p + at + len, p + at, n - at);
        memcpy(p + at, word, len);
        return n + len;
    case 3: /* any byte */
        if (n)
            p[at % n] = (uint8_t)pick(256);
        return n;
    case 4: /* glue another input behind */
        len = inputs[other].n < MAX_BYTES - n ? inputs[other].n : MAX_BYTES - n;
        memcpy(p + n, inputs[other].p, len);
        return n + len;
    default: /* a piece of another input over this one */
        len = pick(inputs[other].n < n - at ? inputs[other].n : n - at);
        memcpy(p + at, inputs[other].p, len);
        return n;
    }
}

int main(int argc, char **argv)
{
    static uint8_t work[MAX_BYTES];
    long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 20000;
    random_state = argc > 3 ? strtoull(argv[3], NULL, 10) : 88172645463325252u;
    if (argc < 2 || !load(argv[1])) {
        fprintf(stderr, "usage: replay CORPUS_DIR [ROUNDS [SEED]]\n");
        return 2;
    }
    for (size_t i = 0; i < input_count; i++)
        LLVMFuzzerTestOneInput(inputs[i].p, inputs[i].n);
    for (long r = 0; r < rounds; r++) {
        size_t from = pick(input_count), n = inputs[from].n;
        memcpy(work, inputs[from].p, n);
        for (size_t k = pick(5) + 1; k; k--)
            n = mutate(work, n);
        LLVMFuzzerTestOneInput(work, n);
    }
    printf("%zu inputs, %ld mutations\n", input_count, rounds);
    for (size_t i = 0; i < input_count; i++)
        lf_release(inputs[i].p);
    return 0;
}
