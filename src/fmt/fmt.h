/* fmt.h - tables in and out of files, and small pictures. Works from descriptors, knows no room. */
#ifndef LF_FMT_FMT_H
#define LF_FMT_FMT_H
#include "base/arena.h"
#include "base/err.h"
#include "base/out.h"

/* GB 18030 to UTF-8. False when it is none, or the system has no tables for it; part of it may have been written. */
bool lf_text_from_gbk(lf_text in, struct lf_out *out);

enum lf_table_kind { LF_CSV, LF_XLSX, LF_GEOJSON };
bool lf_table_kind_parse(lf_text s, enum lf_table_kind *out); /* "csv", "xlsx", "geojson" */
const char *lf_table_mime(enum lf_table_kind k);

enum lf_cell_type {
    LF_CELL_NULL,
    LF_CELL_TEXT,
    LF_CELL_INT,
    LF_CELL_REAL,
    LF_CELL_MONEY /* i in fen */,
    LF_CELL_DAY /* i in days */,
    LF_CELL_MS /* i in ms */,
    LF_CELL_BOOL
};
struct lf_cell {
    enum lf_cell_type t;
    int64_t i;
    double d;
    lf_text s;
};
struct lf_column {
    const char *name;  /* GeoJSON property */
    const char *title; /* heading, with unit: "罚款金额（元）" */
    enum lf_cell_type t;
    int width;    /* characters; 0 = by title */
    int decimals; /* REAL: digits shown in xlsx; -1 = as is */
};

/* Streaming writer in constant memory: csv (UTF-8 with BOM, RFC 4180, CRLF; a text that begins with = + - @ tab or CR gets a leading
 * apostrophe so that a spreadsheet does not run it), xlsx (libxlsxwriter constant_memory; frozen bold heading, filter, widths, number
 * and date formats, at most 1,048,575 rows: then further sheets), GeoJSON (FeatureCollection; point from lon_col/lat_col, or
 * geometry text from shape_col; -1 = none). */
struct lf_sheet;
struct lf_sheet_config {
    enum lf_table_kind kind;
    int fd;                 /* written from its start; stays the caller's */
    const char *sheet_name; /* xlsx */
    const struct lf_column *col;
    int ncol;
    int lon_col, lat_col, shape_col;
    const char *tmp_dir; /* xlsx work files; NULL = /tmp */
};
lf_rc lf_sheet_open(struct lf_sheet **out, const struct lf_sheet_config *config, struct lf_err *err) LF_MUST_CHECK;
lf_rc lf_sheet_row(struct lf_sheet *s, const struct lf_cell *cells, struct lf_err *err) LF_MUST_CHECK; /* ncol cells */
lf_rc lf_sheet_close(struct lf_sheet *s, struct lf_err *err) LF_MUST_CHECK;                            /* flushes; frees in any case */
void lf_sheet_abandon(struct lf_sheet *s); /* frees and leaves no file behind; NULL is fine */

/* Streaming reader of csv (UTF-8 with or without BOM, or GBK; comma, semicolon or tab) and xlsx (first sheet; shared strings and
 * inline strings; dates by number format become ISO text). Every cell comes as text ("" when empty); row 1 is the first line of the
 * file. f returns LF_OK to go on; another code stops and is returned. Limits: 1,100,000 rows, 512 columns, 32 KiB a cell, 1 GiB
 * unpacked (zip bombs are refused). */
typedef lf_rc (*lf_table_row)(void *user, int row, const lf_text *cells, int ncell, struct lf_err *err);
lf_rc lf_table_read(enum lf_table_kind kind, int fd, lf_table_row f, void *user, struct lf_err *err) LF_MUST_CHECK;

/* ---- pictures -------------------------------------------------------------------------- */

/* What a file is by its own bytes: "image/jpeg", "image/png", "image/webp", "application/pdf", xlsx, ... or NULL when unknown. */
const char *lf_sniff(const void *bytes, size_t n);
/* A JPEG of at most edge x edge pixels, EXIF orientation applied, metadata dropped. Pictures of more than 50 megapixels are refused. */
lf_rc lf_thumbnail(lf_text image, int edge, struct lf_out *jpeg, struct lf_err *err) LF_MUST_CHECK;
#endif
