/* rooms.c - the registry, as data, alphabetical; and the roles that a new database begins with. */
#include "app/rooms.h"

#include "rooms/alarm/alarm.h"
#include "rooms/command/command.h"
#include "rooms/grid/grid.h"
#include "rooms/intake/intake.h"
#include "rooms/matter/matter.h"
#include "rooms/patrol/patrol.h"
#include "rooms/pilot/pilot.h"
#include "rooms/review/review.h"
#include "rooms/series/series.h"
#include "rooms/source/source.h"
#include "rooms/station/station.h"
#include "rooms/upstream/upstream.h"

/* One line a room, alphabetical. */
/* clang-format off */
const struct lf_room *const app_rooms[] = {
    &alarm_room,
    &command_room,
    &grid_room,
    &intake_room,
    &matter_room,
    &patrol_room,
    &pilot_room,
    &review_room,
    &series_room,
    &source_room,
    &station_room,
    &upstream_room,
};
const int app_room_count = LF_COUNT(app_rooms);

const struct lf_role_seed app_roles[] = {
    { "admin", "系统管理员", "Administrator", "*" },
    { "auditor", "安全审计员", "Auditor", "*.read audit.* audit_check.*" },
    { "city", "市级指挥中心", "City command centre",
      "*.read *.export "
      "alarm.ack alarm.close alarm.supervise alarm_rule.* silence.* "
      "absence.* area.* assess_scheme.* grid_duty.* patrol.* patrol_plan.* post.* zone.* "
      "command.* "
      "feed.* mqtt_source.* "
      "limit_value.* station.* station_channel.* "
      "matter.* "
      "pilot.* "
      "review.* power_pair.* "
      "source.* "
      "upstream.* upstream_station.*" },
    { "county", "区县管理员", "County desk",
      "*.read *.export "
      "alarm.ack alarm.close alarm.supervise silence.create silence.approve silence.finish "
      "command.create command.cancel "
      "matter.create matter.register matter.dispatch matter.verify matter.close matter.raise matter.supervise "
      "absence.create absence.edit patrol_plan.create patrol_plan.edit "
      "pilot.create "
      "post.create post.edit "
      "review.create review.edit "
      "source.create source.edit" },
    { "town", "乡镇管理员", "Township desk",
      "*.read "
      "absence.create absence.edit patrol_plan.create patrol_plan.edit "
      "alarm.ack silence.create silence.finish "
      "matter.create matter.register matter.dispatch matter.verify matter.raise matter.export "
      "source.create" },
    { "officer", "网格员", "Grid officer",
      "alarm.read "
      "area.read "
      "matter.read matter.create matter.handle "
      "patrol.read patrol.create patrol_plan.read "
      "source.read "
      "station.read" },
};
/* clang-format on */
const int app_role_count = LF_COUNT(app_roles);
