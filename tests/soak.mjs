// Soak: what takes minutes to hours. `make soak`, or node tests/soak.mjs BUILD [PART...] from the project's folder.
//   kill      the telemetry server killed SOAK_KILLS times (200) under load: on files, on SQLite, and on PostgreSQL where LANFAN_TEST_PG says;
//             there the database is killed SOAK_DATABASE_KILLS times (50) too. SOAK_STORES (files,sqlite,postgres) says which of them
//   codec     SOAK_MB megabytes (1000) of mutated packets through the codec
//   garbage   a gigabyte of random and mutated packets at a live port, a good station beside it; slow, half-open, clock set back
//   storm     a whole server for SOAK_SECONDS (120) under 10,000 connects a second, slow and silent clients at both ports
//   full      a whole server on a disk that is full SOAK_FULL times (5) while stations send; wants `unshare` for a small disk of its own
// Short forms of these are in the usual tests: tele_kill, fuzz_hj212, tele_abuse, tele_log's faults.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Checks, Server, Station, packet, sleep, until } from './lib.mjs';

const [, , build = 'build', ...asked] = process.argv;
const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
const program = (path) => resolve(build, path);
const lanfan = program('src/app/lanfan'), tele = (name) => program(`src/tele/${name}`);
const t = new Checks('soak'), ok = (...a) => t.ok(...a);
const scratch = mkdtempSync('/tmp/lanfan-soak-');
const said = (r) => `${r.status ?? r.signal} ${(r.stdout + r.stderr).trim().split('\n').slice(-4).join(' | ')}`;
/** A program to its end; `.child` while it runs. */
function run(cmd, args, env = {}) {
  const p = spawn(cmd, args.map(String), { env: { ...process.env, ...env } }), r = { stdout: '', stderr: '' };
  p.stdout.on('data', (d) => { r.stdout += d; });
  p.stderr.on('data', (d) => { r.stderr += d; });
  return Object.assign(new Promise((res) => {
    p.on('error', (e) => res({ ...r, status: -1, stderr: String(e) }));
    p.on('exit', (status, signal) => res({ ...r, status, signal }));
  }), { child: p });
}

const metric = async (server, name) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(await (await fetch(server.base + '/metrics')).text())?.[1]);
const memory = (server) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.process.pid}/status`, 'utf8'))[1]) / 1024;
const lines = (file) => (existsSync(file) ? readFileSync(file, 'latin1').split('\n').length - 1 : 0);

async function kill() {
  const rounds = number('SOAK_KILLS', 200), databases = number('SOAK_DATABASE_KILLS', 50), wanted = (process.env.SOAK_STORES ?? 'files,sqlite,postgres').split(',');
  const stores = { files: ['files', rounds], sqlite: ['-', rounds], postgres: ['postgres', rounds, databases] };
  for (const name of wanted) {
    if (!stores[name]) { ok(`SOAK_STORES: there is no “${name}”`, false); continue; }
    if (name === 'postgres' && !process.env.LANFAN_TEST_PG_CTL) { console.log('   postgres: skipped, run it through tools/with_postgres'); continue; }
    const began = Date.now(), r = await run(tele('station_kill'), [tele('station_server'), tele('station_load'), tele('station_check'), ...stores[name]],
      name === 'files' ? { LANFAN_SEAL_BYTES: '300000' } : {});
    const kills = `${rounds} kills on ${name}` + (name === 'postgres' ? `, ${databases} of the database` : '');
    ok(`${kills}: every acknowledged packet once (${r.stdout.trim().split('\n').at(-1)}, ${Math.round((Date.now() - began) / 1000)} s)`, r.status === 0, said(r));
  }
}

async function codec() {
  const each = 330, rounds = Math.ceil(number('SOAK_MB', 1000) * 1e6 / each / 4);
  const all = [];
  for (let seed = 1; seed <= 4; seed += 2) // two at a time
    all.push(...await Promise.all([seed, seed + 1].map((s) => run(program('tests/fuzz/replay_hj212'), ['tests/fuzz/corpus/hj212', rounds, s]))));
  ok(`the codec reads ${4 * rounds} mutated packets`, all.every((r) => r.status === 0), all.map(said).join(' '));
}

async function garbage() {
  const began = Date.now(), r = await run(tele('tele_abuse_test'), [], { LF_SOAK: '1' });
  ok(`a gigabyte of garbage and all other abuse (${Math.round((Date.now() - began) / 1000)} s)`, r.status === 0, said(r));
}

/** A good station and a good reader beside the storm: how long each waited, in ms. */
async function bystanders(server, stop) {
  const mn = '370300000000000000000007', wire = await new Station(server.stationPort).open(), waits = { packet: [], page: [] };
  let at = Date.now() - 40 * 86400e3, sent = 0;
  while (!stop.now) {
    let began = performance.now();
    if (!(await wire.send([packet({ mn, st: '31', at: at += 1000, items: 'a21026-Rtd=12.5,a21026-Flag=N' })], 30000))) throw new Error('a good station is not answered');
    sent++;
    waits.packet.push(performance.now() - began);
    began = performance.now();
    if (!(await fetch(server.base + '/healthz', { signal: AbortSignal.timeout(30000) })).ok) throw new Error('/healthz');
    waits.page.push(performance.now() - began);
    await sleep(50);
  }
  wire.close();
  return { sent, ...Object.fromEntries(Object.entries(waits).map(([k, w]) => [k, w.sort((a, b) => a - b)])) };
}
const share = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))].toFixed(0);

async function storm() {
  const seconds = number('SOAK_SECONDS', 120), server = await Server.make(lanfan, 'sqlite');
  ok('storm: a whole server starts', server.run('demo').status === 0 && await server.start());
  const stop = { now: false }, good = bystanders(server, stop);
  good.catch(() => {}); // told below
  await sleep(1000);
  const before = memory(server);
  const storms = await Promise.all([
    run(tele('storm'), ['--port', server.stationPort, '--rate', 10000, '--seconds', seconds, '--slow', 1000, '--silent', 1000]),
    run(tele('storm'), ['--port', server.port, '--http', '--rate', 1000, '--seconds', seconds, '--slow', 300, '--silent', 100]),
  ]);
  stop.now = true;
  let g;
  try { g = await good; } catch (e) { ok('storm: who behaves is served all the while', false, e.message); }
  if (g) ok(`storm: who behaves is served all the while: ${g.sent} packets (p50 ${share(g.packet, 0.5)}, p99 ${share(g.packet, 0.99)}, worst ${share(g.packet, 1)} ms), ` +
    `pages (p50 ${share(g.page, 0.5)}, p99 ${share(g.page, 0.99)}, worst ${share(g.page, 1)} ms)`, g.sent > 5 && share(g.packet, 1) < 20000, JSON.stringify(g.packet.slice(-3)));
  ok('storm: the storm was one', storms.every((r) => r.status === 0), storms.map(said).join(' '));
  console.log(`   stations' port: ${storms[0].stdout.trim()}\n   HTTP port:      ${storms[1].stdout.trim()}`);
  const gone = await until(async () => (await metric(server, 'lanfan_telemetry_connections')) === 0, 150000, 1000);
  ok('storm: all connections are given up afterwards', gone, await metric(server, 'lanfan_telemetry_connections'));
  ok(`storm: memory has not grown much (${before.toFixed(1)} to ${memory(server).toFixed(1)} MB)`, memory(server) < before + 60 || build.includes('asan'), '');
  if (g) ok('storm: what was acknowledged is stored', (await metric(server, 'lanfan_telemetry_packets_stored_total')) >= g.sent);
  ok('storm: it stops cleanly', (await server.stop()) === 0);
  await server.remove();
}

/** A server whose data directory is a disk of `mb` megabytes; files of it are seen at `inside`. */
async function onSmallDisk(mb) {
  const server = await Server.make(lanfan, 'sqlite');
  const holder = spawn('unshare', ['-rm', 'sh', '-c', `mount -t tmpfs -o size=${mb}m tmpfs ${server.data} && echo there && exec sleep 100000`]);
  const there = await new Promise((res) => { holder.stdout.once('data', () => res(true)); holder.once('exit', () => res(false)); holder.once('error', () => res(false)); });
  if (!there) return null;
  const enter = ['nsenter', '-t', holder.pid, '-U', '-m', '--preserve-credentials', `--wd=${process.cwd()}`];
  const wrapper = `${scratch}/lanfan-on-a-small-disk`;
  writeFileSync(wrapper, `#!/bin/sh\nexec ${enter.join(' ')} ${lanfan} "$@"\n`, { mode: 0o755 });
  server.lanfan = wrapper;
  return Object.assign(server, { holder, inside: join('/proc', String(holder.pid), 'root', server.data), enter: (cmd, ...a) => run(enter[0], [...enter.slice(1), cmd, ...a]) });
}

async function full() {
  const server = await onSmallDisk(64);
  if (!server) { console.log('   full: skipped, no mount of its own is allowed here (unshare -rm)'); return; }
  const load = {};
  try { await fillAndFree(server, load); } finally {
    load.run?.child.kill();
    await server.stop('SIGKILL');
    server.holder.kill();
    await server.remove();
  }
}

async function fillAndFree(server, load) {
  const times = number('SOAK_FULL', 5), acked = `${scratch}/acked`;
  if (!ok('full: a server on a small disk starts', server.run('demo').status === 0 && await server.start(), server.log)) return;
  load.run = run(tele('station_load'), ['--port', server.stationPort, '--mn', '370300000000000000000007', '--connections', 4, '--packets', 10000000,
    '--window', 4, '--acked', acked, '--seconds', 100000, '--reconnect']);
  await until(() => lines(acked) > 200);
  for (let i = 1; i <= times; i++) {
    await server.enter('dd', 'if=/dev/zero', `of=${server.data}/filler`, 'bs=64k');
    ok(`full ${i}: the server says that it cannot store`, await until(async () => (await metric(server, 'lanfan_telemetry_store_failing')) === 1, 30000, 100), server.log.slice(-300));
    await sleep(500);
    const held = lines(acked);
    await sleep(2000);
    ok(`full ${i}: nothing is acknowledged, pages are answered`, lines(acked) === held && (await fetch(server.base + '/healthz')).ok, lines(acked) - held);
    rmSync(`${server.inside}/filler`);
    ok(`full ${i}: with room it goes on by itself`, await until(() => lines(acked) > held + 50, 60000, 100), server.log.slice(-300));
  }
  load.run.child.kill();
  await load.run;
  ok('full: it stops cleanly', (await server.stop()) === 0, server.log.slice(-300));
  const table = `${server.inside}/telemetry.db`, files = !(existsSync(table) && statSync(table).isFile());
  const check = await server.enter(tele('station_check'), files ? `files:${server.data}/telemetry` : `sqlite:${server.data}/telemetry.db`, acked);
  ok(`full: every acknowledged packet is there once (${check.stdout.trim().split('\n').at(-1)})`, check.status === 0, said(check));
}

const parts = { kill, codec, garbage, storm, full };
await t.run(async () => {
  for (const name of asked.length ? asked : Object.keys(parts)) {
    console.log(`== ${name}`);
    await parts[name]();
  }
}, () => rmSync(scratch, { recursive: true, force: true }));
