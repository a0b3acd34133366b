#include "fmt/fmt.h"

#include <dlfcn.h>
#include <gd.h>
#include <pthread.h>

enum { PIXELS_MAX = 50000000 };

/* ---- the library ------------------------------------------------------------------------------------ */

/* libgd brings some fifty libraries of formats that are not ours, 4 MB of memory: it is loaded when the first picture comes. */
#define GD_CALLS(X) \
    X(gdImageCreateFromJpegPtr) \
    X(gdImageCreateFromPngPtr) \
    X(gdImageCreateFromWebpPtr) \
    X(gdImageCreateTrueColor) \
    X(gdImageRotateInterpolated) \
    X(gdImageFilledRectangle) \
    X(gdImageCopyResampled) \
    X(gdImageJpegPtr) \
    X(gdImageDestroy) \
    X(gdSetErrorMethod) \
    X(gdFree)
static struct {
#define MEMBER(f) __typeof__(f) *f;
    GD_CALLS(MEMBER)
#undef MEMBER
    bool missing;
} gd;

static void load_gd(void)
{
    void *lib = dlopen("libgd.so.3", RTLD_NOW | RTLD_LOCAL), *at;
#define FIND(f) \
    at = lib ? dlsym(lib, #f) : NULL; \
    gd.missing = gd.missing || !at; \
    memcpy(&gd.f, &at, sizeof at);
    GD_CALLS(FIND)
#undef FIND
    if (!gd.missing)
        gd.gdSetErrorMethod(NULL);
}

static bool have_gd(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_gd);
    return !gd.missing;
}

/* ---- what the header says -------------------------------------------------------------------------- */

static unsigned be(const unsigned char *p, int n)
{
    unsigned v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static unsigned le24(const unsigned char *p) { return p[0] | (unsigned)p[1] << 8 | (unsigned)p[2] << 16; }

/* Width and height from the header, before anything is unpacked; false when they cannot be seen. */
static bool picture_size(lf_text t, unsigned *w, unsigned *h)
{
    const unsigned char *p = (const unsigned char *)t.p, *end = p + t.n;
    if (!memcmp(p, "\x89PNG", 4) && t.n > 24) {
        *w = be(p + 16, 4), *h = be(p + 20, 4);
        return true;
    }
    if (!memcmp(p, "RIFF", 4)) { /* VP8, VP8L and VP8X have 14 or 24 bits a side: 16383 at the most for the first two */
        *w = *h = 0;
        if (t.n > 30 && !memcmp(p + 12, "VP8X", 4))
            *w = le24(p + 24) + 1, *h = le24(p + 27) + 1;
        else if (t.n > 30 && !memcmp(p + 12, "VP8 ", 4))
            *w = (p[26] | p[27] << 8) & 0x3fff, *h = (p[28] | p[29] << 8) & 0x3fff;
        else if (t.n > 25)
            *w = ((p[21] | p[22] << 8) & 0x3fff) + 1u, *h = ((p[22] >> 6 | p[23] << 2 | p[24] << 10) & 0x3fff) + 1u;
        return *w && *h;
    }
    for (p += 2; p + 9 < end && p[0] == 0xFF;) { /* JPEG: the first frame header */
        unsigned m = p[1], n = be(p + 2, 2);
        if (m >= 0xC0 && m <= 0xCF && m != 0xC4 && m != 0xC8 && m != 0xCC) {
            *h = be(p + 5, 2), *w = be(p + 7, 2);
            return true;
        }
        if (n < 2)
            return false;
        p += 2 + n;
    }
    return false;
}

/* EXIF orientation 1..8; 1 when absent. Only what is needed of the format is read, each step bounded. */
static int orientation(lf_text t)
{
    const unsigned char *x = memmem(t.p, t.n < 65536 ? t.n : 65536, "Exif\0\0", 6), *end = (const unsigned char *)t.p + t.n;
    if (!x || x + 22 > end)
        return 1;
    const unsigned char *b = x + 6;
    bool little = b[0] == 'I';
#define U16(p) (unsigned)(little ? (p)[0] | (p)[1] << 8 : (p)[0] << 8 | (p)[1])
    unsigned long at = little ? (unsigned long)b[4] | (unsigned long)b[5] << 8 : (unsigned long)b[6] << 8 | b[7];
    if (b + at + 2 > end)
        return 1;
    unsigned n = U16(b + at);
    for (const unsigned char *e = b + at + 2; n-- && e + 12 <= end; e += 12)
        if (U16(e) == 0x0112)
            return U16(e + 8) >= 1 && U16(e + 8) <= 8 ? (int)U16(e + 8) : 1;
#undef U16
    return 1;
}

/* ---- the picture ---------------------------------------------------------------------------------------- */

static gdImagePtr upright(gdImagePtr im, int o)
{
    static const int turn[] = { [3] = 180, [6] = 270, [8] = 90 };
    if (o != 3 && o != 6 && o != 8)
        return im;
    gdImagePtr r = gd.gdImageRotateInterpolated(im, (float)turn[o], 0);
    if (!r)
        return im;
    gd.gdImageDestroy(im);
    return r;
}

static gdImagePtr decode(lf_text t)
{
    const char *type = lf_sniff(t.p, t.n);
    void *p = (void *)(uintptr_t)t.p;
    if (!type)
        return NULL;
    if (!strcmp(type, "image/jpeg"))
        return gd.gdImageCreateFromJpegPtr((int)t.n, p);
    if (!strcmp(type, "image/png"))
        return gd.gdImageCreateFromPngPtr((int)t.n, p);
    return !strcmp(type, "image/webp") ? gd.gdImageCreateFromWebpPtr((int)t.n, p) : NULL;
}

lf_rc lf_thumbnail(lf_text image, int edge, struct lf_out *jpeg, struct lf_err *err)
{
    unsigned w = 0, h = 0;
    if (image.n < 16 || !lf_sniff(image.p, image.n) || !picture_size(image, &w, &h))
        return lf_err_set(err, LF_EINVAL, "file", "不是可读的图片 | this is not a readable picture");
    if (!w || !h || (uint64_t)w * h > PIXELS_MAX)
        return lf_err_set(err, LF_ETOOBIG, "file", "图片太大 | the picture is too large");
    if (!have_gd())
        return lf_err_set(err, LF_EIO, "file", "服务器缺少图片库 libgd | the server lacks the library of pictures, libgd");
    gdImagePtr im = decode(image);
    if (!im)
        return lf_err_set(err, LF_EINVAL, "file", "图片已损坏 | the picture is damaged");
    im = upright(im, orientation(image));
    int sx = gdImageSX(im), sy = gdImageSY(im), most = sx > sy ? sx : sy, size = 0;
    int tx = most > edge ? sx * edge / most : sx, ty = most > edge ? sy * edge / most : sy;
    gdImagePtr small = gd.gdImageCreateTrueColor(tx ? tx : 1, ty ? ty : 1);
    gd.gdImageFilledRectangle(small, 0, 0, tx, ty, gdTrueColor(255, 255, 255));
    gd.gdImageCopyResampled(small, im, 0, 0, 0, 0, tx ? tx : 1, ty ? ty : 1, sx, sy);
    void *bytes = gd.gdImageJpegPtr(small, &size, 82);
    if (bytes)
        lf_put(jpeg, bytes, (size_t)size);
    gd.gdFree(bytes);
    gd.gdImageDestroy(small);
    gd.gdImageDestroy(im);
    return bytes && !jpeg->failed ? LF_OK : lf_err_set(err, LF_EIO, NULL, "缩略图未能生成 | the thumbnail could not be made");
}
