/* simulate.c - `lanfan simulate`: plays the stations of the demonstration, or a capture. */
#include "app/rooms.h"
#include "app/settings.h"
#include "app/sim.h"

#include <stdio.h>

static const char *from, *replay_file;
static int every_ms = -1 /* not said */, rounds, history_h = 25, stations, speed = 1, piece;
static bool now;
static const struct app_option options[] = {
    { "from", APP_TEXT, &from, .arg = "DIR", .help = APP_DEMO_HELP },
    { "stations", APP_NUMBER, &stations, 1, SIM_STATIONS, "N", "only the first N stations of the list; default: all" },
    { "every", APP_NUMBER, &every_ms, 0, 3600000, "MS",
      "from one packet to the next, default 2000; with --replay after each piece, default 0" },
    { "speed", APP_NUMBER, &speed, 1, 3600, "N", "recorded time passes N times as fast (the packets' own time does not); default 1" },
    { "history", APP_NUMBER, &history_h, 0, 8760, "HOURS", "hours of the past that are told first, default 25" },
    { "rounds", APP_NUMBER, &rounds, 0, 1000000, "N", "stop after so many real-time packets of each; default 0: go on" },
    { "replay", APP_TEXT, &replay_file, .arg = "FILE", .help = "play the bytes of a capture just as they are, good and broken" },
    { "now", APP_SWITCH, &now, .help = "with --replay: move its times by whole hours, so that it ends within the last hour" },
    { "piece", APP_NUMBER, &piece, 0, 65536, "BYTES", "with --replay: cut the capture into such pieces; default 0: lines" },
};

static int play(const struct sim_target *to)
{
    struct sim_city city;
    struct lf_err err = { 0 };
    int end = APP_FAILED;
    if (sim_city_read(&city, app_demo_dir(from), stations, &err)) {
        app_fail(&err, "simulate");
    } else {
        const struct sim_play p = { .to = *to, .every_ms = every_ms < 0 ? 2000 : every_ms, .rounds = rounds, .history_h = history_h };
        city.speed = speed;
        end = sim_play(&city, &p);
    }
    sim_city_free(&city);
    return end;
}

static int simulate(int argc, char **argv)
{
    if (!app_words(&app_simulate, argc, argv, 0, 0))
        return APP_USAGE;
    const struct sim_target to = { app_set.host, app_set.station_port };
    if (!replay_file)
        return play(&to);
    const struct sim_replay r = { .to = to, .file = replay_file, .every_ms = every_ms < 0 ? 0 : every_ms, .piece = piece, .now = now };
    return sim_replay(&r);
}

const struct app_command app_simulate = {
    .name = "simulate",
    .args = "[options]",
    .summary = "play the stations of the demonstration, or a capture of packets",
    .help =
        "Connects to the listener at --host and --station-port and plays the stations of the demonstration: HJ 212-2017 real-time data\n"
        "(2011), ten-minute (2051), hour (2061) and day data (2031) with what was once recorded (recorded.csv says where), answers\n"
        "commands, calls again when the server is away, and stops on SIGINT or SIGTERM. Ends with 0 when every packet was acknowledged.\n"
        "With --replay it sends a file of raw packets byte for byte over one connection and counts the answers; with --now as if they "
        "were\n"
        "of now, as packets of a year ago are refused.\n",
    .option = options,
    .noption = LF_COUNT(options),
    .run = simulate,
};
