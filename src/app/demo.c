/* demo.c - the demonstration city into an empty database, and its stations on the wire. */
#include "app/rooms.h"

#include "base/log.h"
#include "core/res_sql.h"
#include "core/value.h"
#include "fmt/fmt.h"
#include "hj212/hj212.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- filling ------------------------------------------------------------------------------------------ */

struct load {
    struct lf_ctx *cx;
    const struct lf_res *r;
    const char *head[40];
    int ncol;
    int64_t rows;
};

static lf_rc ref_id(struct lf_ctx *cx, const char *table, const char *column, lf_text s, struct lf_val *v)
{
    const struct lf_val arg[] = { lf_val_text(s) };
    *v = (struct lf_val){ .t = LF_T_ID };
    return lf_sql_one(cx, lf_printf(&cx->arena, "SELECT id FROM %s WHERE %s = $1", table, column), arg, 1, v, 1);
}

static lf_rc set_cell(struct load *l, void *row, const char *name, lf_text s)
{
    struct lf_ctx *cx = l->cx;
    struct lf_val v;
    lf_rc rc;
    if (!s.n)
        return LF_OK;
    s = lf_text_copy(&cx->arena, s);
    if (!strcmp(name, "mn") && !lf_res_field(l->r, LF_TEXT("mn"))) {
        rc = ref_id(cx, "station", "mn", s, &v);
        return rc ? rc : lf_member_set(cx, lf_res_field(l->r, LF_TEXT("station_id")), row, v);
    }
    if (!strcmp(name, "source")) {
        rc = ref_id(cx, "source", "name", s, &v);
        return rc ? rc : lf_member_set(cx, lf_res_field(l->r, LF_TEXT("source_id")), row, v);
    }
    const struct lf_field *f = lf_res_field(l->r, lf_str(name));
    if (!f)
        return LF_OK; /* level and parent follow from the code */
    rc = lf_val_parse(cx, f, s, &v);
    return rc ? rc : lf_member_set(cx, f, row, v);
}

static lf_rc load_row(void *user, int line, const lf_text *cells, int n, struct lf_err *err)
{
    struct load *l = user;
    struct lf_ctx *cx = l->cx;
    if (line == 1) {
        for (l->ncol = 0; l->ncol < n && l->ncol < 40; l->ncol++)
            l->head[l->ncol] = lf_strn(&cx->arena, cells[l->ncol]);
        return LF_OK;
    }
    struct lf_arena_mark mark = lf_arena_here(&cx->arena);
    struct lf_change ch = { .row = lf_alloc(&cx->arena, l->r->size), .note = LF_TEXT("demo") };
    lf_row_clear(l->r->field, l->r->nfield, ch.row);
    lf_rc rc = LF_OK;
    for (int i = 0; !rc && i < n && i < l->ncol; i++)
        rc = set_cell(l, ch.row, l->head[i], cells[i]);
    const struct lf_field *tolerate = lf_res_field(l->r, LF_TEXT("tolerate")), *invented = lf_res_field(l->r, LF_TEXT("invented"));
    if (!rc && tolerate)
        rc = lf_member_set(cx, tolerate, ch.row, lf_val_int(0));
    if (!rc && invented && !strcmp(l->r->name, "source"))
        rc = lf_member_set(cx, invented, ch.row, lf_val_bool(true));
    if (!rc)
        rc = lf_res_create(cx, l->r, &ch);
    if (rc)
        *err = cx->err;
    lf_arena_back(&cx->arena, mark);
    l->rows++;
    return rc;
}

static lf_rc load_file(struct lf_ctx *cx, const char *dir, const char *file, const char *res)
{
    const char *path = lf_printf(&cx->arena, "%s/%s", dir, file);
    struct load l = { .cx = cx, .r = lf_app_res(cx->app, lf_str(res)) };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return lf_fail(cx, LF_EIO, NULL, "cannot read %s: %s\nHINT: start in the project's folder, or say --from DIR", path,
                       strerror(errno));
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (!rc)
        rc = lf_tx_end(cx, lf_table_read(LF_CSV, fd, load_row, &l, &cx->err));
    close(fd);
    if (!rc)
        lf_log(LF_INFO, "demo: %lld rows of %s", (long long)l.rows, res);
    return rc;
}

/* The demonstration's people; the one password is for the demonstration only. */
static const struct {
    const char *login, *name, *role, *area, *post, *post_kind;
} people[] = { { "admin", "演示管理员", "admin", "*", NULL, NULL },
               { "city", "演示市局", "city", "3703", NULL, NULL },
               { "county", "演示淄川区", "county", "370302", "淄川区网格长", "head" },
               { "town", "演示双杨镇", "town", "370302116", "双杨镇副网格长", "deputy" },
               { "officer", "演示网格员（双杨镇）", "officer", "370302116", "双杨镇网格员", "officer" },
               { "county2", "演示沂源县", "county", "370323", "沂源县网格长", "head" },
               { "officer2", "演示网格员（淄川区）", "officer", "370302", "淄川区网格员", "officer" },
               { "officer3", "演示网格员（张店区）", "officer", "370303", "张店区网格员", "officer" },
               { "officer4", "演示网格员（沂源县）", "officer", "370323", "沂源县网格员", "officer" } };

#define PASSWORD "Lanfan-demo-1"
const struct lf_demo_login app_demo_logins[] = { { "city", PASSWORD, "演示市局", "市级指挥中心", "City command centre" },
                                                 { "county", PASSWORD, "演示淄川区", "区县管理员", "County desk" },
                                                 { "town", PASSWORD, "演示双杨镇", "乡镇管理员", "Township desk" },
                                                 { "officer", PASSWORD, "演示网格员（双杨镇）", "网格员", "Grid officer" },
                                                 { "admin", PASSWORD, "演示管理员", "系统管理员", "Administrator" } };
const int app_demo_login_count = LF_COUNT(app_demo_logins);

static lf_rc add_post(struct lf_ctx *cx, lf_id account, int i)
{
    const struct lf_res *r = lf_app_res(cx->app, LF_TEXT("post"));
    struct lf_change ch = { .row = lf_alloc(&cx->arena, r->size) };
    lf_row_clear(r->field, r->nfield, ch.row);
    struct {
        const char *name;
        struct lf_val v;
    } set[] = { { "grid_code", lf_val_str(people[i].area) },
                { "title", lf_val_str(people[i].post) },
                { "kind", { .t = LF_T_ENUM, .s = lf_str(people[i].post_kind) } },
                { "account_id", lf_val_id(account) },
                { "from_day", lf_val_day(lf_day_ymd(2017, 9, 1)) } };
    lf_rc rc = LF_OK;
    for (size_t k = 0; !rc && k < LF_COUNT(set); k++)
        rc = lf_member_set(cx, lf_res_field(r, lf_str(set[k].name)), ch.row, set[k].v);
    return rc ? rc : lf_res_create(cx, r, &ch);
}

static lf_rc add_people(struct lf_ctx *cx)
{
    char hash[128];
    lf_rc rc = lf_password_hash(cx, LF_TEXT(PASSWORD), hash);
    if (!rc)
        rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    for (int i = 0; !rc && i < (int)LF_COUNT(people); i++) {
        lf_id id;
        rc = lf_account_add(cx, people[i].login, people[i].name, people[i].role, people[i].area, hash, &id);
        if (!rc && people[i].post)
            rc = add_post(cx, id, i);
    }
    return lf_tx_end(cx, rc);
}

lf_rc app_demo_fill(struct lf_ctx *cx, const char *dir)
{
    struct lf_val n = { .t = LF_T_INT };
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc || (rc = lf_tx_end(cx, lf_sql_one(cx, "SELECT count(*) FROM account", NULL, 0, &n, 1))))
        return rc;
    if (n.i)
        return LF_OK; /* it is filled already */
    if ((rc = load_file(cx, dir, "areas.csv", "area")))
        return rc;
    for (int i = 0; i < cx->app->nroom; i++) /* the look-up table has to know the areas before anything is placed */
        if (cx->app->room[i]->start && (rc = cx->app->room[i]->start(cx)))
            return rc;
    if ((rc = load_file(cx, dir, "zones.csv", "zone")) || (rc = load_file(cx, dir, "sources.csv", "source")) ||
        (rc = load_file(cx, dir, "stations.csv", "station")) || (rc = load_file(cx, dir, "limits.csv", "limit_value")))
        return rc;
    return add_people(cx);
}

/* ---- on the wire -------------------------------------------------------------------------------------------- */

struct sim_station {
    char mn[32], kind[16], name[100];
    int fd;
};
struct sim {
    struct sim_station s[200];
    int n;
    struct {
        char station[64];
        double v[6];
    } air[200];
    int nair;
    int kind;
    char head[20][32];
};

static void cell_text(char *out, size_t cap, lf_text t) { snprintf(out, cap, "%.*s", (int)t.n, t.p); }

static lf_rc sim_row(void *user, int line, const lf_text *c, int n, struct lf_err *err)
{
    struct sim *m = user;
    if (line == 1)
        return LF_OK;
    if (m->kind == 0 && n >= 6 && m->n < 200) {
        struct sim_station *s = &m->s[m->n++];
        cell_text(s->name, sizeof s->name, c[0]);
        cell_text(s->mn, sizeof s->mn, c[1]);
        cell_text(s->kind, sizeof s->kind, c[3]);
        s->fd = -1;
    }
    if (m->kind == 1 && n >= 8 && m->nair < 200) {
        cell_text(m->air[m->nair].station, sizeof m->air[0].station, c[0]);
        for (int i = 0; i < 6; i++) {
            char b[32];
            cell_text(b, sizeof b, c[2 + i]);
            m->air[m->nair].v[i] = *b ? strtod(b, NULL) : -1;
        }
        m->nair++;
    }
    return LF_OK;
}

static int read_csv(struct sim *m, int kind, const char *dir, const char *file)
{
    char path[4096];
    struct lf_err err = { 0 };
    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    m->kind = kind;
    if (fd < 0 || lf_table_read(LF_CSV, fd, sim_row, m, &err)) {
        fprintf(stderr, "lanfan simulate: cannot read %s: %s\n", path, fd < 0 ? strerror(errno) : err.msg);
        return 1;
    }
    close(fd);
    return 0;
}

static int dial(const char *host, int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval wait = { .tv_sec = 5 };
    if (fd < 0 || inet_pton(AF_INET, host, &a.sin_addr) != 1 || connect(fd, (struct sockaddr *)&a, sizeof a)) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return fd;
}

/* Values: the six national stations say what was recorded; the others are a wave around their limits, so that some exceed now and then. */
static int values(const struct sim *m, const struct sim_station *s, int64_t turn, char *out, size_t cap)
{
    static const char *const air[] = { "a34004", "a34002", "a21026", "a21004", "a21005", "a05024" };
    static const struct {
        const char *kind, *factor;
        double mid;
    } other[] = { { "wastewater", "w01018", 38 },  { "wastewater", "w21003", 3.4 }, { "wastewater", "w21011", 0.34 },
                  { "wastewater", "w01001", 7.4 }, { "flue", "a21026", 62 },        { "flue", "a21002", 70 },
                  { "flue", "a34013", 18 },        { "flue", "a19001", 8 },         { "surface", "w01019", 4.6 },
                  { "surface", "w21003", 0.62 },   { "surface", "w01009", 8.1 } };
    size_t n = 0;
    int64_t who = s - m->s;
    if (!strcmp(s->kind, "air")) {
        int64_t k = 0, mine[64], hits = 0;
        for (; k < m->nair && hits < 64; k++)
            if (!strncmp(s->name, m->air[k].station, strlen(m->air[k].station)))
                mine[hits++] = k;
        for (int i = 0; hits && i < 6; i++)
            if (m->air[mine[turn / 15 % hits]].v[i] >= 0)
                n += (size_t)snprintf(out + n, cap - n, ";%s-Rtd=%.3f,%s-Flag=N", air[i], m->air[mine[turn / 15 % hits]].v[i], air[i]);
        return hits > 0;
    }
    for (size_t i = 0; i < LF_COUNT(other); i++) {
        if (strcmp(other[i].kind, s->kind) != 0)
            continue;
        double wave = 1 + 0.28 * sin((double)(turn + who * 7) / 9) + 0.12 * sin((double)(turn * 3 + who * 5) / 4 + (double)i);
        n += (size_t)snprintf(out + n, cap - n, ";%s-Rtd=%.3f,%s-Flag=N", other[i].factor, other[i].mid * wave, other[i].factor);
    }
    return n > 0;
}

static int send_one(struct sim *m, struct sim_station *s, int64_t turn, const char *host, int port)
{
    char v[900] = "", seg[1024], frame[1200], at[32], answer[256];
    const char *st = !strcmp(s->kind, "air") ? "22" : !strcmp(s->kind, "surface") ? "21" : !strcmp(s->kind, "wastewater") ? "32" : "31";
    lf_ms now = lf_now();
    if (!values(m, s, turn, v, sizeof v))
        return 0;
    lf_ms_compact(at, now);
    snprintf(seg, sizeof seg, "QN=%s%03d;ST=%s;CN=2011;PW=123456;MN=%s;Flag=5;CP=&&DataTime=%s%s&&", at, (int)(now.ms % 1000), st, s->mn,
             at, v);
    size_t n = hj212_frame(lf_str(seg), frame, sizeof frame);
    if (s->fd < 0)
        s->fd = dial(host, port);
    if (s->fd >= 0 && n && send(s->fd, frame, n, MSG_NOSIGNAL) == (ssize_t)n && recv(s->fd, answer, sizeof answer, 0) > 0)
        return 1;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    return 0;
}

int app_simulate(const char *dir, const char *host, int port, int every_ms, int rounds)
{
    struct sim *m = lf_new(sizeof *m);
    if (read_csv(m, 0, dir, "stations.csv") || read_csv(m, 1, dir, "zibo_air.csv"))
        return 1;
    int64_t sent = 0, acked = 0;
    for (int64_t turn = 0; !rounds || turn < rounds; turn++) {
        for (int i = 0; i < m->n; i++)
            sent++, acked += send_one(m, &m->s[i], turn, host, port);
        if (turn % 60 == 0)
            fprintf(stderr, "simulate: %lld packets sent, %lld acknowledged\n", (long long)sent, (long long)acked);
        struct timespec t = { every_ms / 1000, (long)(every_ms % 1000) * 1000000 };
        nanosleep(&t, NULL);
    }
    printf("simulate: %lld packets sent, %lld acknowledged\n", (long long)sent, (long long)acked);
    lf_release(m);
    return acked == sent ? 0 : 1;
}

/* A capture, line by line, just as it is: good and broken. */
int app_replay(const char *file, const char *host, int port)
{
    char *line = NULL, answer[4096];
    size_t cap = 0;
    int64_t lines = 0, answers = 0;
    FILE *f = fopen(file, "re");
    int fd = f ? dial(host, port) : -1;
    if (fd < 0) {
        fprintf(stderr, "lanfan simulate: cannot open %s or reach %s:%d\n", file, host, port);
        return 1;
    }
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0; lines++) {
        while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        if (send(fd, line, (size_t)n, MSG_NOSIGNAL) < 0 || send(fd, "\r\n", 2, MSG_NOSIGNAL) < 0)
            break;
    }
    struct timeval wait = { .tv_usec = 500000 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    for (ssize_t n; (n = recv(fd, answer, sizeof answer, 0)) > 0;)
        for (ssize_t i = 0; i + 1 < n; i++)
            answers += answer[i] == '#' && answer[i + 1] == '#';
    printf("replay: %lld lines sent, %lld answers\n", (long long)lines, (long long)answers);
    lf_release(line); /* getline took it from malloc, as lf_new does */
    fclose(f);
    close(fd);
    return 0;
}
