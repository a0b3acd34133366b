#include "core/file.h"

#include "core/res_sql.h"
#include "fmt/fmt.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const allowed_types[] = { "image/jpeg", "image/png", "image/webp", "application/pdf",
                                             "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" };

static const char *file_path(struct lf_ctx *cx, const char *hash)
{
    return lf_printf(&cx->arena, "%s/files/%.2s/%s", cx->app->data_dir, hash, hash);
}

static lf_rc io_fail(struct lf_ctx *cx, const char *what)
{
    return lf_fail(cx, LF_EIO, NULL, "文件未能保存（%s：%s），请稍后再试 | the file could not be stored (%s: %s), try again later", what,
                   strerror(errno), what, strerror(errno));
}

static void fsync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* Written beside its place, made durable, then renamed: a file of that name is always whole. */
static lf_rc put_bytes(struct lf_ctx *cx, const char *hash, lf_text bytes)
{
    const char *path = file_path(cx, hash), *dir = lf_printf(&cx->arena, "%s/files/%.2s", cx->app->data_dir, hash);
    const char *tmp = lf_printf(&cx->arena, "%s.tmp%d.%p", path, (int)getpid(), (void *)cx);
    if (access(path, F_OK) == 0)
        return LF_OK;
    mkdir(lf_printf(&cx->arena, "%s/files", cx->app->data_dir), 0700);
    if (mkdir(dir, 0700) && errno != EEXIST)
        return io_fail(cx, "mkdir");
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fail(cx, "open");
    struct lf_out o = lf_out_fd(fd);
    lf_put_text(&o, bytes);
    int bad = lf_out_close(&o);
    if (!bad && fsync(fd))
        bad = errno;
    if (close(fd) && !bad)
        bad = errno;
    if (!bad && rename(tmp, path))
        bad = errno;
    if (bad) {
        unlink(tmp);
        errno = bad;
        return io_fail(cx, "write");
    }
    fsync_dir(dir);
    return LF_OK;
}

lf_rc lf_file_read(struct lf_ctx *cx, int fd, lf_text *out)
{
    struct stat st;
    if (fstat(fd, &st))
        return io_fail(cx, "stat");
    if (st.st_size > LF_FILE_MAX)
        return lf_fail(cx, LF_ETOOBIG, "file", "文件超过 20 MB | the file is larger than 20 MB");
    char *p = lf_alloc(&cx->arena, (size_t)st.st_size + 1);
    size_t n = 0;
    for (ssize_t k; n < (size_t)st.st_size; n += (size_t)k)
        if ((k = pread(fd, p + n, (size_t)st.st_size - n, (off_t)n)) <= 0)
            return io_fail(cx, "read");
    *out = (lf_text){ p, (uint32_t)n };
    return LF_OK;
}

lf_rc lf_file_store(struct lf_ctx *cx, lf_text bytes, int fd, char hash[65], const char **type, int64_t *size)
{
    lf_rc rc;
    if (fd >= 0 && (rc = lf_file_read(cx, fd, &bytes)))
        return rc;
    if (!bytes.n)
        return lf_fail(cx, LF_EINVAL, "file", "文件是空的 | the file is empty");
    if (bytes.n > LF_FILE_MAX)
        return lf_fail(cx, LF_ETOOBIG, "file", "文件超过 20 MB | the file is larger than 20 MB");
    *type = lf_sniff(bytes.p, bytes.n);
    bool ok = false;
    for (size_t i = 0; *type && i < LF_COUNT(allowed_types); i++)
        ok = ok || !strcmp(*type, allowed_types[i]);
    if (!ok)
        return lf_fail(cx, LF_EINVAL, "file",
                       "只接受 JPEG、PNG、WebP、PDF、XLSX 文件 | only JPEG, PNG, WebP, PDF and XLSX files are taken");
    unsigned char h[32];
    crypto_generichash(h, sizeof h, (const unsigned char *)bytes.p, bytes.n, NULL, 0);
    sodium_bin2hex(hash, 65, h, sizeof h);
    *size = bytes.n;
    if ((rc = put_bytes(cx, hash, bytes)))
        return rc;
    const struct lf_val v[] = { lf_val_str(hash), lf_val_str(*type), lf_val_int(*size), lf_val_ms(lf_now()), lf_val_int(cx->actor.v) };
    rc = lf_sql_run(cx,
                    "INSERT INTO file (hash, type, size, created_at, created_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO NOTHING",
                    v, LF_COUNT(v), NULL);
    const struct lf_val sender[] = { lf_val_str(hash), lf_val_int(cx->actor.v) };
    return rc ? rc
              : lf_sql_run(cx, "INSERT INTO file_sender (hash, account_id) VALUES ($1, $2) ON CONFLICT (hash, account_id) DO NOTHING",
                           sender, LF_COUNT(sender), NULL);
}

/* Does the file hang on any row the caller may read? */
static lf_rc hangs_in_sight(struct lf_ctx *cx, lf_text hash, bool *yes)
{
    const struct lf_val v[] = { lf_val_text(hash) };
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(cx, "SELECT topic, row_id FROM file_use WHERE hash = $1 ORDER BY at DESC LIMIT 100", v, 1, 0, &cur);
    if (rc)
        return rc;
    struct {
        const struct lf_res *r;
        lf_id id;
    } use[100];
    int n = 0;
    while (n < 100 && (rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val topic = { .t = LF_T_TEXT }, id = { .t = LF_T_ID };
        lf_cur_get(&cur, 0, &topic);
        lf_cur_get(&cur, 1, &id);
        use[n].r = lf_app_res(cx->app, topic.s);
        use[n++].id = (lf_id){ id.i };
    }
    lf_cur_close(&cur);
    *yes = false;
    for (int i = 0; rc >= 0 && !*yes && i < n; i++) {
        struct lf_err keep = cx->err;
        *yes = use[i].r && lf_may(cx, use[i].r->name, "read") &&
               lf_row_fetch(cx, use[i].r, use[i].id, false, lf_alloc(&cx->arena, use[i].r->size), NULL) == LF_OK;
        cx->err = keep;
    }
    return rc < 0 ? rc : LF_OK;
}

/* *seen: the file exists and the caller may look at it. */
static lf_rc facts(struct lf_ctx *cx, lf_text hash, const char **type, int64_t *size, bool *seen)
{
    struct lf_val v[] = { { .t = LF_T_TEXT }, { .t = LF_T_INT }, { .t = LF_T_INT } };
    const struct lf_val arg[] = { lf_val_text(hash), lf_val_int(cx->actor.v) };
    *seen = false;
    lf_rc rc = lf_sql_one(
        cx, "SELECT type, size, (SELECT count(*) FROM file_sender WHERE hash = $1 AND account_id = $2) FROM file WHERE hash = $1", arg,
        LF_COUNT(arg), v, LF_COUNT(v));
    if (rc == LF_ENOTFOUND)
        return LF_OK;
    if (rc)
        return rc;
    *type = lf_strn(&cx->arena, v[0].s);
    *size = v[1].i;
    *seen = v[2].i > 0; /* he has sent it himself */
    return *seen ? LF_OK : hangs_in_sight(cx, hash, seen);
}

static bool is_hash(lf_text h)
{
    for (uint32_t i = 0; i < h.n; i++)
        if (!strchr("0123456789abcdef", h.p[i]))
            return false;
    return h.n == 64;
}

lf_rc lf_file_open(struct lf_ctx *cx, lf_text hash, int *fd, const char **type)
{
    int64_t size;
    bool seen = false;
    lf_rc rc = is_hash(hash) ? facts(cx, hash, type, &size, &seen) : LF_OK;
    if (rc)
        return rc;
    if (!seen)
        return lf_fail(cx, LF_ENOTFOUND, NULL, "没有这个文件，或不在您的网格内 | there is no such file, or it is outside your area");
    *fd = open(file_path(cx, lf_strn(&cx->arena, hash)), O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ? LF_OK : lf_fail(cx, LF_EIO, NULL, "文件暂时读不到 | the file cannot be read now");
}

lf_rc lf_file_attach(struct lf_ctx *cx, const struct lf_change *ch, lf_text *json)
{
    *json = (lf_text){ 0 };
    if (!ch->nfile)
        return LF_OK;
    struct lf_out o = lf_out_memory(0);
    struct lf_json j = lf_json_to(&o);
    lf_rc rc = LF_OK;
    lf_json_arr(&j);
    for (int i = 0; !rc && i < ch->nfile; i++) {
        const struct lf_file_use *u = &ch->file[i];
        const char *type = NULL;
        int64_t size = 0;
        bool seen = false;
        if (is_hash(u->hash))
            rc = facts(cx, u->hash, &type, &size, &seen);
        if (!rc && !seen)
            rc = lf_fail(cx, LF_EINVAL, "files", "附件不存在，请重新上传 | an attached file is not there, send it again");
        if (rc)
            break;
        lf_text name = u->name.n ? u->name : u->hash;
        const struct lf_val v[] = { lf_val_text(u->hash), lf_val_str(ch->res->name), lf_val_id(lf_row_id(ch->row)), lf_val_text(name),
                                    lf_val_ms(lf_now()) };
        rc = lf_sql_run(cx, "INSERT INTO file_use (hash, topic, row_id, name, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", v,
                        LF_COUNT(v), NULL);
        lf_json_obj(&j);
        lf_json_ktext(&j, "hash", u->hash);
        lf_json_ktext(&j, "name", name);
        lf_json_kstr(&j, "type", type);
        lf_json_kint(&j, "size", size);
        lf_json_end_obj(&j);
    }
    lf_json_end_arr(&j);
    if (!rc)
        *json = lf_text_copy(&cx->arena, lf_out_text(&o));
    lf_out_close(&o);
    return rc;
}

lf_rc lf_file_any_photo(struct lf_ctx *cx, const struct lf_file_use *f, int n, bool *photo)
{
    *photo = false;
    for (int i = 0; i < n && !*photo; i++) {
        const char *type = "";
        int64_t size;
        bool seen = false;
        lf_rc rc = is_hash(f[i].hash) ? facts(cx, f[i].hash, &type, &size, &seen) : LF_OK;
        if (rc)
            return rc;
        *photo = seen && strncmp(type, "image/", 6) == 0;
    }
    return LF_OK;
}
