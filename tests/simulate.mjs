// What stands in for stations: recorded values as lawful packets, a server that goes away, and a capture played byte for byte.
// usage: node simulate.mjs LANFAN sqlite|postgres
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { Checks, Server, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`simulate on ${engine}`), ok = (...a) => t.ok(...a);
const CAPTURE = 'data/demo/replay.txt';
/** What the capture holds, by reason (its packets are described in data/README.md). */
const REFUSED = { noise: 1, length: 4, oversize: 1, crc: 2, crc_form: 1, tail: 1, grammar: 2, password: 1, unknown_mn: 1, time: 1, command: 1 };
const STORED = 12, ANSWERS = 13;
let s;

async function metrics() {
  const text = await (await fetch(s.base + '/metrics')).text();
  const one = (name) => Number(new RegExp(`^lanfan_telemetry_${name} (\\d+)$`, 'm').exec(text)?.[1]);
  const refused = Object.fromEntries([...text.matchAll(/^lanfan_telemetry_refused_total\{reason="(\w+)"\} (\d+)$/gm)].map((m) => [m[1], Number(m[2])]).filter(([, n]) => n));
  return { stored: one('packets_stored_total'), acknowledged: one('acknowledged_total'), duplicates: one('duplicates_total'), bytes: one('received_bytes_total'), refused };
}
const times = (o, k) => Object.fromEntries(Object.entries(o).map(([name, n]) => [name, n * k]));
const same = (a, b) => JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());

async function capture() {
  const { size } = statSync(CAPTURE), at = Date.parse('2026-11-24T10:01:00+08:00');
  await s.start({ LANFAN_TEST_CLOCK_S: String(Math.round((at - Date.now()) / 1000)) });
  let played = 0;
  for (const how of [[], ['--piece', '7', '--every', '1'], ['--piece', '4096', '--every', '20']]) {
    const r = s.run('simulate', '--replay', CAPTURE, ...how), name = how.join(' ') || 'as fast as it goes';
    played++;
    ok(`capture, ${name}: whole and answered`, r.status === 0 && r.stdout.includes(`${size} of ${size} bytes`) && r.stdout.includes(`, ${ANSWERS} answers`), r.stdout + r.stderr);
    await until(async () => same((await metrics()).refused, times(REFUSED, played)));
    const m = await metrics();
    ok(`capture, ${name}: every byte arrived`, m.bytes === size * played, m.bytes);
    ok(`capture, ${name}: refused by reason`, same(m.refused, times(REFUSED, played)), JSON.stringify(m.refused));
    ok(`capture, ${name}: the good ones are stored once`, m.stored === STORED && m.duplicates === 1 + (STORED + 1) * (played - 1), JSON.stringify(m));
  }
  const city = await s.user('city');
  const first = readFileSync(CAPTURE, 'latin1').split('\n')[0] + '\n';
  const st = (await city.get('/station?mn=370300000000000000000001')).json.items[0];
  const plain = (raw) => raw.replace(/PW=[^;]*/, ''); // shown with stars
  ok('the raw packet is kept as it was', (await city.get(`/station/${st.id}/packets`)).json.items.some((p) => plain(p.raw) === plain(first)));
  ok('the holidays of its year are known', !/holidays of/.test(s.log));
  await s.stop();
  await s.start({ LANFAN_TEST_CLOCK_S: String(Math.round((Date.parse('2045-12-05T00:00:00Z') - Date.now()) / 1000)) });
  ok('the operator hears of a year whose holidays are not', await until(() => /holidays of 2046 are not known: Monday to Friday/.test(s.log), 10000), s.log);
  await s.stop();
}

/** Packets that the server has made itself, of what it computed. */
async function ours() {
  const city = await s.user('city'), stations = (await city.get('/station?limit=200')).json.items;
  let n = 0;
  for (const st of stations) n += (await city.get(`/station/${st.id}/packets?cn=calc`)).json.items.length;
  return n;
}

/** Years later the capture is told as of now; as it is it is too old. */
async function captureOfNow() {
  process.env.LANFAN_TEST_CLOCK_S = String(5 * 366 * 86400);
  await s.start();
  const { size } = statSync(CAPTURE), whole = (r) => r.status === 0 && r.stdout.includes(`${size} of ${size} bytes`);
  ok('years later: as it is it is too old', whole(s.run('simulate', '--replay', CAPTURE)) && await until(async () => (await metrics()).refused.time > STORED) && (await metrics()).stored === 0, JSON.stringify(await metrics()));
  await s.stop();
  await s.start();
  const r = s.run('simulate', '--replay', CAPTURE, '--now');
  ok('as if of now: whole and answered', whole(r) && r.stdout.includes(`, ${ANSWERS} answers`) && !r.stderr.includes('no packet'), r.stdout + r.stderr);
  await until(async () => same((await metrics()).refused, REFUSED));
  const m = await metrics();
  ok('as if of now: good and broken as before', same(m.refused, REFUSED) && m.acknowledged === ANSWERS && m.duplicates === 1, JSON.stringify(m)); // stored: also means of hours that are over
  ok('as if of now: what the devices sent is stored', await until(async () => (await metrics()).stored - await ours() === STORED), m.stored);
  await s.stop();
  delete process.env.LANFAN_TEST_CLOCK_S;
}

/** Values of one factor of a record, as recorded.csv has them. */
function recorded(mn, factor) {
  const row = readFileSync('data/demo/recorded.csv', 'utf8').split('\n').find((l) => l.startsWith(`${mn},${factor},`));
  return row.slice(row.lastIndexOf(',') + 1).split(' ').map(Number);
}

async function stations() {
  await s.start();
  const sim = s.run('simulate', '--rounds', '3', '--every', '50', '--stations', '11');
  ok('every packet is acknowledged', sim.status === 0 && /(\d+) packets sent, \1 acknowledged/.test(sim.stdout), sim.stdout + sim.stderr);
  ok('none is refused', Object.keys((await metrics()).refused).length === 0);
  const city = await s.user('city'), list = (await city.get('/station?limit=50&sort=id')).json.items;
  const all = async (id) => { const got = []; for (let after = ''; ;) { const p = (await city.get(`/station/${id}/packets${after && `?after=${after}`}`)).json; got.push(...p.items); if (!p.next) return got; after = p.next; } };
  const air = list[0], water = list[10];
  const said = await all(air.id), cns = new Set(said.map((p) => p.cn));
  ok('real-time, minute, hour and day data came', ['2011', '2051', '2061', '2031'].every((cn) => cns.has(cn)), [...cns].join(' '));
  const noon = said.find((p) => p.cn === '2061' && /DataTime=\d{8}130000/.test(p.raw)), v = recorded(air.mn, 'a05024');
  ok('ozone at 13:00 is what was measured', Number(/a05024-Avg=([\d.]+)/.exec(noon.raw)[1]) === 158 && v[13] === 158, noon.raw);
  const hour = (await all(water.id)).find((p) => p.cn === '2061');
  ok('an hour of water says load, least, mean, most and flag', /w01018-Cou=[\d.]+,w01018-Min=[\d.]+,w01018-Avg=[\d.]+,w01018-Max=[\d.]+,w01018-Flag=N/.test(hour.raw), hour.raw);
  ok('stations beyond --stations are silent', (await city.get(`/station/${list[20].id}/packets`)).json.items.length === 0);
}

/** Recorded time runs ahead of the packets' own: an hour a second. */
async function speed() {
  const city = await s.user('city'), { id, mn } = (await city.get('/station?limit=50&sort=id')).json.items[1], began = Date.now();
  const sim = s.run('simulate', '--stations', '2', '--history', '0', '--rounds', '4', '--every', '1000', '--speed', '3600');
  ok('recorded time may run faster', sim.status === 0, sim.stdout + sim.stderr);
  const v = recorded(mn, 'a34002'), first = Math.floor((began + 8 * 3600e3) / 3600e3), most = Math.ceil((Date.now() - began) / 1000) + 1; // an hour for each second that has passed
  const hours = Array.from({ length: most + 1 }, (_, k) => v[(first + k) % v.length]);
  const said = (await city.get(`/station/${id}/packets`)).json.items.filter((p) => p.cn === '2011').slice(0, 4).map((p) => Number(/a34002-Rtd=([\d.]+)/.exec(p.raw)[1]));
  ok('each second says another recorded hour', new Set(said.map(Math.round)).size > 1 && said.every((x) => hours.some((h) => Math.abs(x / h - 1) < 0.025)), `${said} of ${hours}`);
}

/** The simulated devices obey: a host may set their clock, ask for it, and for the past. */
async function commands(city, station) {
  const ends = (c) => until(async () => { const now = (await city.get(`/command/${c.id}`)).json; return !['queued', 'sent', 'confirmed', 'receiving'].includes(now.state) && now; }, 30000);
  const ask = async (kind, more = {}) => ends((await city.post('/command', { station_id: station.id, kind, ...more })).json);
  const iso = (ms) => new Date(ms).toISOString(), hour = Math.floor(Date.now() / 3600e3) * 3600e3;
  const time = await ask('1011');
  ok('a simulated station tells its time', time?.state === 'done', JSON.stringify(time));
  const past = await ask('2061', { begin_at: iso(hour - 5 * 3600e3), end_at: iso(hour - 3 * 3600e3) });
  ok('and its past', past?.state === 'done', JSON.stringify(past));
  const pw = await ask('1072', { new_pw: '654321' });
  ok('it takes a new password, and goes on with it', pw?.state === 'done' && await until(async () => (await city.get(`/station/${station.id}/packets?cn=2011`)).json.items[0]?.received_at > pw.ended_at) && !(await metrics()).refused.password, JSON.stringify(pw));
  const odd = await ask('3019', { pol_id: 'a05024' });
  ok('what it does not know it says', odd?.state === 'failed', JSON.stringify(odd));
}

async function away() {
  const child = spawn(lanfan, ['simulate', '--every', '50', '--stations', '3', '--history', '1', ...s.args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stdout.on('data', (d) => { out += d; });
  child.stderr.on('data', (d) => { err += d; });
  const ended = once(child, 'exit');
  const grows = async () => { const a = (await metrics()).acknowledged; return until(async () => (await metrics()).acknowledged > a + 5); };
  ok('stations send', await grows());
  const city = await s.user('city');
  await commands(city, (await city.get('/station?limit=50&sort=id')).json.items[0]);
  await s.stop();
  ok('it says that the server is away', await until(() => /is not there, calling again/.test(err)), err);
  await s.start();
  ok('they call again when it is back', await until(async () => /is there again/.test(err) && (await metrics()).acknowledged > 5), err);
  ok('and go on', await grows());
  const began = Date.now();
  child.kill('SIGINT');
  const [code] = await ended;
  ok('SIGINT ends it at once, nothing unacknowledged', code === 0 && Date.now() - began < 15000 && /(\d+) packets sent, \1 acknowledged/.test(out), `${code} ${out} ${err}`);
}

function errors() {
  const says = (r, code, what) => r.status === code && what.test(r.stderr);
  ok('no server: the capture says so', says(s.run('simulate', '--replay', CAPTURE), 1, /cannot reach .*\nHINT/));
  ok('no server: stations say so', s.run('simulate', '--rounds', '1', '--stations', '1', '--history', '0').status === 1);
  ok('no such capture', says(s.run('simulate', '--replay', 'no/such.txt'), 1, /cannot read no\/such\.txt/));
  ok('no such data', says(s.run('simulate', '--from', 'no/such'), 1, /cannot read no\/such.*\nHINT/));
  ok('a wrong number', says(s.run('simulate', '--stations', 'many'), 2, /must be a number from 1 to/));
  ok('help names the options', ['--stations', '--speed', '--history', '--replay', '--now', '--piece', '--every'].every((o) => s.run('simulate', '--help').stdout.includes(o)));
}

await t.run(async () => {
  s = await Server.make(lanfan, engine);
  ok('the demonstration city is filled', s.run('demo').status === 0);
  errors();
  await capture();
  await captureOfNow();
  await stations();
  await speed();
  await away();
  ok('the server stops', (await s.stop()) === 0);
}, () => s.remove());
