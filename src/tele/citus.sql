-- Distributes the telemetry tables by station. Once, on the coordinator, in the database that `lanfan migrate` has made and before the first
-- packet comes: doc/decisions/0003-telemetry-on-postgresql.md.
SELECT create_distributed_table('tele_packet', 'station_id');
SELECT create_distributed_table(t, 'station_id', colocate_with => 'tele_packet') FROM unnest(ARRAY['tele_packet_0', 'tele_packet_1',
  'tele_reading_rtd', 'tele_reading_min', 'tele_reading_hour', 'tele_reading_day', 'tele_reading_hour_calc', 'tele_reading_day_calc',
  'tele_reading_0', 'tele_reading_1', 'tele_reading_was', 'tele_latest', 'tele_mark']) t;
