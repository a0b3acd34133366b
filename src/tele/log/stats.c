/* stats.c - the store in numbers. */
#include "tele/log/parts.h"

const char *lf_tele_log_class(uint32_t cls)
{
    static const char *const records[] = { "packet", "refused", "quarantine", "correction" };
    return cls < LF_TELE_KIND_COUNT                    ? lf_tele_kind_name((enum lf_tele_kind)cls)
           : cls >= CLASS_RECORDS && cls < CLASS_COUNT ? records[cls - CLASS_RECORDS]
                                                       : "unknown";
}

bool lf_tele_log_class_parse(lf_text name, uint32_t *cls)
{
    for (*cls = 0; *cls < CLASS_COUNT; ++*cls)
        if (lf_text_is(name, lf_tele_log_class(*cls)) && (*cls < LF_TELE_KIND_COUNT || *cls >= CLASS_RECORDS))
            return true;
    return false;
}

void stats_add(struct lf_tele_log_stats *o, const struct segment *g)
{
    __auto_type c = &o->cls[g->foot.cls];
    c->segments++;
    c->bytes += (int64_t)g->size;
    c->entries += (int64_t)g->foot.n;
    c->oldest = !c->oldest || g->foot.month < c->oldest ? g->foot.month : c->oldest;
    c->newest = g->foot.month > c->newest ? g->foot.month : c->newest;
}

void lf_tele_log_stats(struct lf_tele_store *store, struct lf_tele_log_stats *o)
{
    struct log_store *s = log_of(store);
    *o = (struct lf_tele_log_stats){ .sealing = atomic_load(&s->sealing) };
    pthread_rwlock_rdlock(&s->lock);
    for (size_t i = 0; i < s->list->n; i++)
        stats_add(o, s->list->seg[i]);
    for (int t = 0; t < 2; t++) {
        const struct memtable *m = &s->mem.table[t];
        o->journals += m->njournal;
        o->journal_bytes += (int64_t)m->bytes;
        o->memory_points += (int64_t)m->npoint;
        for (int c = 0; c < RECORD_CLASSES; c++)
            o->memory_records += (int64_t)m->nrec[c];
    }
    o->series = (int64_t)s->mem.nseries;
    pthread_rwlock_unlock(&s->lock);
    o->open_segments = (int64_t)files_open(&s->files);
    o->seals = atomic_load(&s->seals), o->seal_failures = atomic_load(&s->seal_failures);
    o->compactions = atomic_load(&s->compactions), o->removed = atomic_load(&s->removed);
    o->reused = atomic_load(&s->reused);
    o->lost_records = s->lost_records, o->lost_files = s->lost_files;
    o->damaged = atomic_load(&s->damaged), o->plain = atomic_load(&s->plain), o->last_seal_ms = atomic_load(&s->last_seal_ms);
}

static void one(struct lf_out *o, const char *name, const char *type, int64_t v)
{
    lf_putf(o, "# TYPE lanfan_telemetry_store_%s %s\nlanfan_telemetry_store_%s %lld\n", name, type, name, (long long)v);
}

static void per_class(struct lf_out *o, const struct lf_tele_log_stats *s, const char *name, size_t offset)
{
    lf_putf(o, "# TYPE lanfan_telemetry_store_%s gauge\n", name);
    for (uint32_t c = 0; c < CLASS_COUNT; c++)
        if (c < LF_TELE_KIND_COUNT || c >= CLASS_RECORDS) {
            int64_t v;
            memcpy(&v, (const char *)&s->cls[c] + offset, sizeof v);
            lf_putf(o, "lanfan_telemetry_store_%s{class=\"%s\"} %lld\n", name, lf_tele_log_class(c), (long long)v);
        }
}

void lf_tele_log_metrics(struct lf_tele_store *store, struct lf_out *o)
{
    struct lf_tele_log_stats s;
    lf_tele_log_stats(store, &s);
    per_class(o, &s, "segments", offsetof(__typeof__(s.cls[0]), segments));
    per_class(o, &s, "segment_bytes", offsetof(__typeof__(s.cls[0]), bytes));
    per_class(o, &s, "sealed_entries", offsetof(__typeof__(s.cls[0]), entries));
    one(o, "journals", "gauge", s.journals);
    one(o, "journal_bytes", "gauge", s.journal_bytes);
    one(o, "memory_points", "gauge", s.memory_points);
    one(o, "memory_records", "gauge", s.memory_records);
    one(o, "series", "gauge", s.series);
    one(o, "open_segments", "gauge", s.open_segments);
    one(o, "sealing", "gauge", s.sealing);
    one(o, "last_seal_milliseconds", "gauge", s.last_seal_ms);
    one(o, "seals_total", "counter", s.seals);
    one(o, "seal_failures_total", "counter", s.seal_failures);
    one(o, "compactions_total", "counter", s.compactions);
    one(o, "removed_segments_total", "counter", s.removed);
    one(o, "reused_journals_total", "counter", s.reused);
    one(o, "damaged_total", "counter", s.damaged);
    one(o, "plain_chunks_total", "counter", s.plain);
}
