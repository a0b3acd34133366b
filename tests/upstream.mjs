// District -> city: what a station tells the district's server arrives in the city's, through cuts, kills and edits.
// usage: node upstream.mjs LANFAN sqlite|postgres
import { spawnSync } from 'node:child_process';
import { Checks, Server, Station, packet, sleep, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const check = new Checks(engine), ok = (...a) => check.ok(...a);

/* Two databases of their own on PostgreSQL: the second is made beside the one that was given. */
function database(name) {
  if (engine !== 'postgres') return undefined;
  const url = new URL(process.env.LANFAN_TEST_PG);
  spawnSync('psql', [url.href, '-c', `CREATE DATABASE ${name}`]);
  url.pathname = '/' + name;
  return url.href;
}
const make = (name) => Server.make(lanfan, engine, { db: database(`${name}_${process.pid}`) });
let district, city;
const person = async (server, login) => { const u = await server.user(login); return (method, path, body) => u.call(method, path, body); };

/* One packet a second of data time; how many were acknowledged. */
async function send(mn, from, count, value) {
  const s = await new Station(district.stationPort).open();
  await s.send(Array.from({ length: count }, (_, i) => packet({ mn, st: '22', at: from + i * 1000, items: `a21026-Rtd=${value + i},a21026-Flag=N` })));
  s.close();
  return s.answers.filter((a) => a.includes('CN=9014')).length;
}

await check.run(async () => {
  district = await make('district');
  city = await make('city');
  for (const s of [district, city]) {
    const filled = s.run('demo');
    ok(`the demonstration is filled (${s === district ? 'district' : 'city'})`, filled.status === 0, filled.stderr);
    ok('the server starts', await s.start());
  }
  let here = await person(district, 'city'), there = await person(city, 'city');
  const stations = (await here('GET', '/station?limit=200')).json.items, [a, b, c] = stations.filter((s) => s.kind === 'air');
  const series = async (call, s, from, count) => (await call('GET', `/series?station=${s.id}&factor=a21026&kind=rtd&from=${new Date(from).toISOString()}&to=${new Date(from + count * 1000).toISOString()}&points=5000`)).json.series[0]?.points.map((p) => [p[0], p[1]]) ?? [];
  const same = async (s, t, from, count) => { const x = await series(here, s, from, count), y = await series(there, t, from, count); return x.length === count && JSON.stringify(x) === JSON.stringify(y); };
  const t0 = Math.floor(Date.now() / 1000 - 7200) * 1000;
  ok('readings that came before', (await send(a.mn, t0, 50, 1)) === 50);

  // the record
  const county = await person(district, 'county'), town = await person(district, 'town');
  const fields = { name: '市平台', grid_code: '3703', kind: 'hj212', host: '127.0.0.1', port: city.stationPort, enabled: true, fwd_rtd: true, fwd_min: true, fwd_hour: true, fwd_daily: true, fwd_other: true, timeout_s: 1, retries: 1, password: 'geheim', since: new Date(t0 - 3600000).toISOString() };
  ok('a county may not make one', (await county('POST', '/upstream', fields)).status === 403);
  ok('nothing to forward is refused', (await here('POST', '/upstream', { ...fields, fwd_rtd: false, fwd_min: false, fwd_hour: false, fwd_daily: false, fwd_other: false })).status === 422);
  ok('an unknown kind of station is refused', (await here('POST', '/upstream', { ...fields, station_kinds: 'air moon' })).status === 422);
  let u = await here('POST', '/upstream', { ...fields, password: null });
  ok('the city makes one', u.status === 201, u.text);
  const read = async () => (u = await here('GET', `/upstream/${u.json.id}`)).json;
  ok('the backlog arrives', await until(() => same(a, a, t0, 50)), (await read()).error ?? '');
  ok('and is acknowledged', await until(async () => (await read()).acknowledged >= 50 && u.json.state === 'live' && u.json.lag_s === 0), u.text);
  ok('the position is kept', u.json.position > 0 && u.json.position_at !== null);
  ok('a reader of another place does not see it', (await town('GET', `/upstream/${u.json.id}`)).status === 404);

  // cut and catch up
  await city.stop('SIGKILL');
  const t1 = t0 + 600000;
  ok('readings come while the city is away', (await send(a.mn, t1, 200, 1000)) === 200 && (await send(b.mn, t1, 200, 5000)) === 200);
  ok('the lag shows', await until(async () => (await read()).state === 'waiting' && u.json.lag_s >= 1 && !!u.json.error), u.text);
  ok('in the language of the reader', u.json.error.includes(' | ') || /[一-鿿]/.test(u.json.error));
  await district.stop('SIGKILL'); // SIGKILL, with everything on its way
  ok('the district starts again', await district.start());
  ok('the city comes back', await city.start());
  here = await person(district, 'city'); there = await person(city, 'city');
  ok('it catches up after cut and kill', await until(async () => (await same(a, a, t1, 200)) && (await same(b, b, t1, 200)), 40000), (await read()).error ?? '');
  ok('nothing arrived twice as something new', (await there('GET', `/station/${a.id}/packets?after=0`)).status === 200 && await until(async () => (await read()).state === 'live'));

  // the other names, without a restart
  const listed = await here('POST', '/upstream_station', { upstream_id: u.json.id, station_id: a.id, mn: c.mn, pw: '123456' });
  ok('a station gets another name there', listed.status === 201, listed.text);
  ok('its password there is sealed', listed.json.pw === null && listed.json.pw_sealed === true, listed.text);
  ok('the same station twice is refused', (await here('POST', '/upstream_station', { upstream_id: u.json.id, station_id: a.id })).status === 409);
  let probe = t0 + 900000; // one reading after another until the forwarder has learned the name
  const named = async () => { probe += 1000; await send(a.mn, probe, 1, 3); await sleep(500); return same(a, c, probe, 1); };
  ok('the other name is learned without a restart', await until(named, 30000), (await read()).error ?? '');
  const t2 = t0 + 1200000;
  await send(a.mn, t2, 20, 7);
  ok('readings go under the other name', await until(() => same(a, c, t2, 20)), (await read()).error ?? '');

  // refused there: stops nobody, and is tried again
  const other = (await there('GET', `/station/${b.id}`)).json;
  const changed = await there('PATCH', `/station/${b.id}`, { version: other.version, mn: 'ELSEWHERE0001' });
  ok('the city forgets a station', changed.status === 200, changed.text);
  const t3 = t0 + 1800000;
  await send(b.mn, t3, 5, 11);
  await send(a.mn, t3, 30, 12);
  ok('the others go on', await until(() => same(a, c, t3, 30), 30000), (await read()).error ?? '');
  ok('what is refused is parked', await until(async () => (await read()).parked === 5, 30000), u.text);
  await there('PATCH', `/station/${b.id}`, { version: changed.json.version, mn: b.mn });
  const again = await here('POST', `/upstream/${u.json.id}/retry`, { version: u.json.version });
  ok('somebody asks for them again', again.status === 200, again.text);
  ok('and they arrive', await until(() => same(b, b, t3, 5), 30000) && await until(async () => (await read()).parked === 0), u.text);

  // credentials
  const now = (await read());
  const sealed = await here('PATCH', `/upstream/${now.id}`, { version: now.version, password: '123456' });
  ok('a password is sealed', sealed.status === 200 && sealed.json.password === null && sealed.json.password_sealed === true, sealed.text);
  ok('it is shown on request, with a reason', (await here('POST', `/upstream/${now.id}/reveal`, { note: '核对' })).json?.password === '123456');
  const metrics = await (await fetch(district.base + '/metrics')).text();
  ok('metrics tell the lag', /lanfan_upstream_lag_seconds\{upstream="\d+"\} [0-9.]+/.test(metrics) && /lanfan_upstream_up\{upstream="\d+"\} [01]/.test(metrics), metrics.slice(0, 300));

  // off
  const last = await read();
  ok('it is switched off', (await here('PATCH', `/upstream/${last.id}`, { version: last.version, enabled: false })).json.state === 'off');
  const target = async () => /lanfan_upstream_up\{/.test(await (await fetch(district.base + '/metrics')).text());
  ok('the forwarder has heard of it', await until(async () => !(await target())));
  await send(a.mn, t0 + 2400000, 3, 1);
  await sleep(1500);
  ok('nothing is sent any more', (await series(there, c, t0 + 2400000, 3)).length === 0);
  const audit = district.run('audit', 'verify');
  ok('the audit trail is good', audit.status === 0, audit.stderr);
  for (const s of [district, city]) ok('it stops cleanly', (await s.stop('SIGTERM')) === 0);
}, async () => { await district?.remove(); await city?.remove(); });
