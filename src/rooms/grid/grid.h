/* grid.h - 网格: where things are and who answers for them. Codes are hierarchical, without trailing zeros:
 * 37 province, 3703 city, 370302 county, 370302116 town, 370302116001 village, 370302116001-01 cell. */
#ifndef LF_ROOMS_GRID_GRID_H
#define LF_ROOMS_GRID_GRID_H
#include "core/app.h"

#define GRID_LEVELS(X) \
    X(GRID_PROVINCE, "province", "省", "Province") \
    X(GRID_CITY, "city", "市", "City") \
    X(GRID_COUNTY, "county", "县", "County") \
    X(GRID_TOWN, "town", "乡镇", "Town") \
    X(GRID_VILLAGE, "village", "村", "Village") \
    X(GRID_CELL, "cell", "网格", "Cell")
LF_ENUM(grid_level, GRID_LEVELS);

#define GRID_POSTS(X) \
    X(GRID_OFFICER, "officer", "网格员", "Grid officer") \
    X(GRID_DEPUTY, "deputy", "副网格长", "Deputy head") \
    X(GRID_HEAD, "head", "网格长", "Head of grid") \
    X(GRID_WATCH, "watch", "督察员", "Supervisor")
LF_ENUM(grid_post, GRID_POSTS);

extern const struct lf_res area_res, post_res, zone_res;
extern const struct lf_room grid_room;

/* Code of the place above: a cell's village, a village's town ... Null text above the province. */
lf_text grid_parent(lf_text code);
enum grid_level grid_level_of(lf_text code);

/* A post that answers for a place on a day, and who does its work that day: the holder, the deputy while the holder is away, or nobody. */
struct grid_person {
    lf_id post, holder, acting; /* acting 0: nobody */
    lf_text title, place, task, name, phone, acting_name, acting_phone;
    enum grid_post kind;
    lf_day from_day, to_day;
    bool away;
};
typedef bool (*grid_person_fn)(void *user, const struct grid_person *p); /* false: enough */
/* Nearest place first, officer before deputy before head; texts live until fn returns. */
lf_rc grid_people(struct lf_ctx *cx, lf_text code, lf_day on, grid_person_fn fn, void *user) LF_MUST_CHECK;
/* Who does the work of an account on a day: itself, its deputy, or nobody (0). */
lf_rc grid_stand_in(struct lf_ctx *cx, lf_id account, lf_day on, lf_id *acting) LF_MUST_CHECK;
/* A place as it was on a day, as a JSON object: name, level, outline's origin, duties of its own, chain of places, zone. */
lf_rc grid_place_json(struct lf_ctx *cx, struct lf_json *j, lf_text code, lf_day on) LF_MUST_CHECK;
/* The duties of a level on a day, as a JSON array. */
lf_rc grid_duties_json(struct lf_ctx *cx, struct lf_json *j, enum grid_level level, lf_day on) LF_MUST_CHECK;
/* The account on duty nearest to the code today (officer before deputy before head, a deputy instead of who is absent); 0 when there is
 * none. */
lf_rc grid_officer_on_duty(struct lf_ctx *cx, lf_text code, lf_id *account) LF_MUST_CHECK;
#endif
