-- What arrives has no index at all: two of them on packets cost a quarter of the commit, and what they would find is a moment's worth.
DROP INDEX tele_packet_0_by_id;
DROP INDEX tele_packet_1_by_id;
DROP INDEX tele_packet_0_by_time;
DROP INDEX tele_packet_1_by_time;
