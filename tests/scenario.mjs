// The whole road through a real server: stations send, an alarm opens a matter, people close it, nobody sees what is not theirs.
// usage: node scenario.mjs LANFAN sqlite|postgres
import net from 'node:net';
import { Checks, Server, User as Person, sleep, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(engine), ok = (...a) => t.ok(...a);
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
let server;
await t.run(async () => {
  server = await Server.make(lanfan, engine);
  const { base, port } = server, run = (...a) => server.run(...a);
  class User extends Person { constructor() { super(base); } }
  ok('the demonstration city is filled', run('demo').status === 0);
  ok('the server starts', await server.start());
  const sim = run('simulate', '--rounds', '2', '--every', '20');
  ok('every packet is acknowledged', sim.status === 0, sim.stdout + sim.stderr);
  // all of it has been judged: their number stands still
  const judged = async () => Number(/^lanfan_alarm_readings_judged_total (\d+)$/m.exec(await (await fetch(base + '/metrics')).text())[1]);
  await until(async () => { const before = await judged(); await sleep(1000); return before > 0 && (await judged()) === before; }, 60000);
  const city = new User(), county = new User(), other = new User(), town = new User(), officer = new User(), anon = new User();
  ok('a wrong password is refused', (await anon.login('city', 'wrong')) === 401);
  ok('nobody sees anything without a log-in', (await anon.call('GET', '/matter')).status === 401);
  for (const [u, l] of [[city, 'city'], [county, 'county'], [other, 'county2'], [town, 'town'], [officer, 'officer']]) ok(`${l} logs in`, (await u.login(l)) === 200);
  const all = (await city.call('GET', '/matter?limit=200')).json, mine = (await county.call('GET', '/matter?limit=200')).json;
  ok('exceedances became matters', all.items.length > 0 && all.items.every((m) => m.origin === 'monitor'));
  ok('a county sees only the county', mine.items.every((m) => m.grid_code.startsWith('370302')) && mine.items.length < all.items.length);
  const alarms = (await city.call('GET', '/alarm?type=exceed&limit=200')).json;
  ok('each exceedance names its matter', alarms.items.length > 0 && alarms.items.every((a) => a.matter_id > 0));
  // a found problem in the pilot town, all the way
  const cell = (await city.call('GET', '/grid/areas?level=village&parent=370302116')).json.features[0];
  const ring = cell.geometry.coordinates[0], lon = ring.slice(0, -1).reduce((s, p) => s + p[0], 0) / (ring.length - 1), lat = ring.slice(0, -1).reduce((s, p) => s + p[1], 0) / (ring.length - 1);
  const found = await officer.call('POST', '/matter', { title: '路边堆料未覆盖', category: 'E04', origin: 'patrol', lon, lat, reporter_name: '不公开', reporter_phone: '000' });
  ok('the officer reports a problem', found.status === 201, found.text);
  let m = found.json;
  ok('it lies in the cell by itself', m.grid_code.startsWith(cell.properties.code), m.grid_code);
  ok('the reporter is sealed', m.reporter_name === null && m.reporter_name_sealed === true);
  ok('another county cannot see it', (await other.call('GET', `/matter/${m.id}`)).status === 404);
  const move = async (u, verb, extra = {}) => { const r = await u.call('POST', `/matter/${m.id}/${verb}`, { version: m.version, ...extra }); if (r.status === 200) m = r.json; return r; };
  ok('an officer may not register', (await move(officer, 'register')).status === 403);
  ok('the town registers', (await move(town, 'register')).status === 200);
  ok('dispatch needs an officer', (await move(town, 'dispatch')).status === 422);
  ok('the town dispatches', (await move(town, 'dispatch', { fields: { officer_id: officer.me.id } })).status === 200);
  ok('a stale version is refused', (await officer.call('POST', `/matter/${m.id}/accept`, { version: 1 })).status === 409);
  const bench = (await officer.call('GET', '/bench')).json;
  const lamp = async (path) => (await county.call('GET', path)).json.lights?.[m.id];
  ok('list and map tell its light and until when', (await lamp('/matter?limit=50'))?.light === 'green' && Date.parse((await lamp('/matter/map')).due_at) > Date.now());
  ok('it is on the officer\'s bench', bench.todo.some((t) => t.id === m.id && t.room === 'matter'));
  ok('the officer accepts', (await move(officer, 'accept')).status === 200);
  ok('handling needs a photo', (await move(officer, 'handle', { note: '已覆盖' })).status === 422);
  const file = (await officer.call('POST', '/files?name=after.png', PNG, 'image/png'));
  ok('a photo is taken in', file.status === 201, file.text);
  ok('the officer handles it', (await move(officer, 'handle', { note: '已覆盖', files: [{ hash: file.json.hash, name: 'after.png' }] })).status === 200);
  ok('the officer may not check himself', (await move(officer, 'verify')).status === 403);
  ok('the town verifies', (await move(town, 'verify')).status === 200);
  ok('the county closes', (await move(county, 'close')).status === 200 && m.state === 'closed');
  const line = (await county.call('GET', `/matter/${m.id}/timeline`)).json.items.map((i) => i.verb).join(' ');
  ok('every step is in the time line', line === 'create register dispatch accept handle verify close', line);
  const clock = (await county.call('GET', `/matter/${m.id}/clock`)).json;
  ok('the clock shows each step', clock.steps.length === 6 && clock.steps.every((s) => s.ended_at));
  ok('a stranger cannot open the photo', (await other.call('GET', `/files/${file.json.hash}`)).status === 404);
  ok('the county can', (await county.call('GET', `/files/${file.json.hash}/thumb`)).status === 200);
  const x = await county.call('GET', '/matter.xlsx');
  ok('the list exports to xlsx', x.status === 200 && x.text.startsWith('PK'));
  ok('an unknown filter is refused', (await city.call('GET', '/matter?nonsense=1')).status === 422);
  const p1 = (await city.call('GET', '/source?limit=50&sort=name')).json, p2 = (await city.call('GET', `/source?limit=50&sort=name&after=${p1.next}`)).json;
  ok('pages do not overlap', p1.items.length === 50 && p2.items.every((i) => !p1.items.some((k) => k.id === i.id)));
  ok('search finds', (await city.call('GET', '/source?q=' + encodeURIComponent('水泥'))).json.total > 0);
  const csv = await city.call('POST', '/source/import?kind=csv&dry=1', Buffer.from('名称,经度,纬度\n甲厂（虚构）,118.06,36.81\n乙厂（虚构）,10,10\n'), 'text/csv');
  ok('an import tells which row it refuses', csv.status === 200 && csv.json.accepted === 1 && csv.json.refused.length === 1 && csv.json.refused[0].row === 3, csv.text);
  const noToken = await fetch(base + '/api/v1/matter', { method: 'POST', headers: { Cookie: city.cookie, 'Content-Type': 'application/json' }, body: '{}' });
  ok('a write without the CSRF token is refused', noToken.status === 403);
  const api = await (await fetch(base + '/api/openapi.json')).json();
  ok('OpenAPI is made from the tables', api.openapi === '3.1.0' && api.paths['/api/v1/matter/{id}/close'] !== undefined);
  const id = all.items.find((i) => i.station_id_label)?.id ?? all.items[0].id, st = (await city.call('GET', `/matter/${id}`)).json.station_id;
  const factors = 'w01018,a21026,a34004,w21003,w21011,a21002,a34013,a34002,w01019';
  const series = (await city.call('GET', `/series?station=${st}&factor=${factors}&kind=rtd`)).json, curve = series.series.find((s) => s.points.length > 0);
  ok('a station has its series, with its figures', curve?.stat.n >= curve.points.length && curve.stat.max >= curve.stat.min && curve.station_id === st);
  const alarm = (await city.get(`/alarm/${alarms.items[0].id}`)).json, over = (await city.get(`/series?station=${alarm.station_id}&factor=${alarm.factor}&kind=${alarm.period}&from=${alarm.began_at.slice(0, 10)}`)).json, [passed] = over.series;
  ok('a limit that is passed is told with its days, its alarm as an interval', passed.stat.over > 0 && passed.limits.some((l) => l.high !== null && l.from >= over.from && l.to <= over.to) && passed.alarms.some((x) => x.id === alarm.id && x.from === Date.parse(alarm.began_at)), JSON.stringify([alarm, { ...passed, points: 0 }]));
  const two = all.items.map((i) => i.id).slice(0, 8), pair = [...new Set((await Promise.all(two.map((i) => city.call('GET', `/matter/${i}`)))).map((r) => r.json.station_id))].slice(0, 2);
  const grid = (await city.call('GET', `/series?station=${pair}&factor=${factors}&kind=rtd&aligned=1&points=50`)).json;
  ok('aligned lines share one grid of time', grid.series.length === pair.length * 9 && grid.times.length > 10 && grid.series.every((s) => s.values.length === grid.times.length && s.flags.length === grid.times.length) && grid.series.some((s) => s.values.some((x) => x !== null) && s.values.some((x) => x === null)));
  const rows = await city.call('GET', `/series.csv?station=${st}&factor=${curve.factor}&kind=rtd`);
  ok('every reading comes as CSV', rows.status === 200 && rows.text.trim().split('\r\n').length === curve.stat.n + 1, rows.text.slice(0, 200));
  ok('CSV needs the right to export', (await officer.call('GET', `/series.csv?station=${st}&factor=${curve.factor}`)).status === 403);
  const farAway = (await city.call('GET', '/station?limit=200')).json.items.find((s) => !s.grid_code.startsWith('370302')).id, near = (await county.call('GET', '/station?limit=1')).json.items[0].id;
  const hidden = await county.call('GET', `/series?station=${near},${farAway}&factor=a21026`);
  ok('a station of another county is not there, and is named', hidden.status === 404 && hidden.json.field === 'station' && hidden.json.detail.includes(String(farAway)), hidden.text);
  for (const [q, field] of [['', 'station'], ['station=x&factor=a', 'station'], [`station=${st}`, 'factor'], [`station=${st}&factor=a&kind=week`, 'kind'], [`station=${st}&factor=a&points=9`, 'points'], [`station=${st}&factor=a&from=yesterday`, 'from'], [`station=${st}&factor=a&from=2026-01-02&to=2026-01-01`, 'from']]) {
    const r = await city.call('GET', `/series?${q}`);
    ok(`series?${q.replace(String(st), 'ID')} is refused by name`, r.status === 422 && r.json.field === field, r.text);
  }
  const heard = await city.listen(`station=${st}`, () => server.runBeside('simulate', '--rounds', '1', '--every', '20'));
  ok('a listener hears the stations it asked for and no other', heard.length > 0 && heard.every((e) => e.station_id === st), JSON.stringify(heard.slice(0, 2)));
  const packets = (await city.call('GET', `/station/${st}/packets`)).json;
  ok('its raw packets are evidence', packets.items.length > 0 && packets.items[0].raw.startsWith('##'));
  // bad input at both edges
  for (const [name, req, want] of [['path escape', 'GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', '400'], ['dot segments', 'GET /a/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', '400'],
    ['bad JSON', 'POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{,}', '422'], ['huge length', 'POST /api/v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n', '413']]) {
    const got = await new Promise((res) => { let s = ''; const c = net.connect(port, '127.0.0.1', () => c.write(req)); c.on('data', (d) => { s += d; if (s.includes('\r\n\r\n')) { res(s); c.destroy(); } }); c.on('close', () => res(s)); c.on('error', () => res(s)); setTimeout(() => { res(s); c.destroy(); }, 4000); });
    ok(`${name} gets ${want}`, got.startsWith('HTTP/1.1 ' + want), got.slice(0, 60));
  }
  await server.stop('SIGKILL');
  ok('a killed server starts again', await server.start());
  ok('what was closed waits for nobody', (await (async () => { const u = new User(); await u.login('county'); const { json } = await u.call('GET', '/matter?limit=200'); return json.items.some((i) => i.id === m.id) && !json.lights[m.id]; })()));
  ok('what was closed is closed', (await (async () => { const u = new User(); await u.login('county'); return (await u.call('GET', `/matter/${m.id}`)).json; })()).state === 'closed');
  const audit = run('audit', 'verify');
  ok('the audit trail is good', audit.status === 0 && /audit trail good/.test(audit.stdout), audit.stderr);
  ok('it stops cleanly', (await server.stop()) === 0);
}, () => server?.remove());
