// bench_alarm - from the arrival of a packet to the commit of the alarm that it begins, by the server's own histogram
// (/metrics, lanfan_alarm_latency_seconds), with the disk's own fdatasync measured in the same run: an alarm needs two durable commits,
// the packet's and its own.
//   node bench/bench_alarm.mjs LANFAN     from the project's folder
// Stations with hourly limits send an hour far above them, then a good one, and so on: one station at a time, then all at once.
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { Server, Station, packet, sleep, until } from '../tests/lib.mjs';

const [, , lanfan] = process.argv;
const HOUR = 3600e3, ROUNDS = 12;
const first = Math.floor(Date.now() / HOUR) * HOUR - 60 * HOUR;

/** Stations with the factors that have an hourly limit, and the limit: { mn: { factor: high } }. */
function limited() {
  const out = {}, today = new Date().toISOString().slice(0, 10);
  for (const line of readFileSync('data/demo/limits.csv', 'utf8').split('\n').slice(1)) {
    const [mn, factor, kind, , high, , from, to] = line.split(',');
    if (kind === 'hour' && +high > 0 && from <= today && (!to || to >= today)) (out[mn] ??= {})[factor] = +high;
  }
  return out;
}

async function histogram(server) {
  const text = await (await fetch(server.base + '/metrics')).text();
  const bounds = [...text.matchAll(/lanfan_alarm_latency_seconds_bucket\{le="([^"]+)"\} (\d+)/g)].map(([, le, n]) => [le === '+Inf' ? Infinity : +le, +n]);
  const total = (name) => +new RegExp(`^${name} (\\d+)`, 'm').exec(text)[1];
  return { bounds, count: bounds.at(-1)[1], settled: total('lanfan_alarm_begun_total') + total('lanfan_alarm_ended_total') };
}

/** Milliseconds below which that share of what came between two histograms lies, even within a bucket. */
function percentile(before, after, share) {
  const want = (after.count - before.count) * share;
  let low = 0, below = 0;
  for (const [i, [bound, n]] of after.bounds.entries()) {
    const up = n - before.bounds[i][1];
    if (up >= want) return bound === Infinity ? Infinity : 1000 * (low + (bound - low) * (want - below) / (up - below));
    low = bound; below = up;
  }
  return NaN;
}

function disk(dir) {
  const file = `${dir}/sync`, fd = openSync(file, 'w'), block = Buffer.alloc(4096), times = [];
  for (let i = 0; i < 400; i++) {
    writeSync(fd, block);
    const t = performance.now();
    fdatasyncSync(fd);
    times.push(performance.now() - t);
  }
  closeSync(fd);
  rmSync(file);
  times.sort((a, b) => a - b);
  return { p50: times[200], p99: times[396] };
}

const server = await Server.make(lanfan, 'sqlite');
try {
  if (server.run('demo').status !== 0 || !(await server.start())) throw new Error('the server does not start; is this the project\'s folder?');
  const stations = Object.entries(limited()), wires = [];
  for (const [mn] of stations) wires.push(Object.assign(await new Station(server.stationPort).open(), { mn }));
  const hour = (mn, limits, h, over) => packet({ mn, st: '31', cn: '2061', at: first + h * HOUR,
    items: Object.entries(limits).map(([f, high]) => { const v = (high * (over ? 3 : 0.3)).toFixed(3); return `${f}-Avg=${v},${f}-ZsAvg=${v},${f}-Flag=N`; }).join(';') });
  let h = 0;
  async function round(together) {
    for (const over of [true, false]) {
      const was = (await histogram(server)).settled, send = stations.map(([mn, limits], i) => () => wires[i].send([hour(mn, limits, h, over)]));
      if (together) await Promise.all(send.map((f) => f()));
      else for (const f of send) { await f(); await sleep(20); }
      await until(async () => (await histogram(server)).settled > was, 10000, 20);
      await sleep(100);
      h++;
    }
  }
  await round(false); // the first of each alarm also makes a matter
  for (const [name, together] of [['one at a time', false], ['all at once', true]]) {
    const before = await histogram(server);
    for (let i = 0; i < ROUNDS; i++) await round(together);
    const after = await histogram(server), p50 = percentile(before, after, 0.5), p99 = percentile(before, after, 0.99), d = disk(server.data);
    console.log(`-- ${stations.length} stations, ${name}: ${after.count - before.count} alarms began or came back`);
    console.log(`alarm      p50 ${p50.toFixed(1)} ms   p99 ${p99.toFixed(1)} ms   from the packet's arrival to the alarm's commit`);
    console.log(`fdatasync  p50 ${d.p50.toFixed(2)} ms   p99 ${d.p99.toFixed(2)} ms (4 KB appended)`);
    console.log(`ratio      alarm p50 : fdatasync p50 = ${(p50 / d.p50).toFixed(1)}   alarm p99 : fdatasync p99 = ${(p99 / d.p99).toFixed(1)}`);
  }
  wires.forEach((w) => w.close());
} finally { await server.remove(); }
