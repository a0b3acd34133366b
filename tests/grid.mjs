// Five definites (五定): places by date, people and deputies, zones, duties, the coverage check; on records of a real server.
// usage: node grid.mjs LANFAN sqlite|postgres
import { Checks, Server, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`grid on ${engine}`), ok = (...a) => t.ok(...a);
const TOWN = '370302116', OTHER = '370302102' /* its villages have no cells */, DAY = 86400e3;
const day = (n = 0) => new Date(Date.now() + 8 * 3600e3 + n * DAY).toISOString().slice(0, 10);
let s, admin, city, county, town, officer, where;

const middle = (ring) => [0, 1].map((k) => ring.slice(0, -1).reduce((sum, p) => sum + p[k], 0) / (ring.length - 1));
const account = async (login) => (await admin.get(`/account?q=${login}&limit=50`)).json.items.find((a) => a.login === login);
const area = async (code) => (await city.get(`/area?code=${code}`)).json.items[0];

/** A matter in the pilot town, as far as `verbs` take it. */
async function matter(...verbs) {
  let m = (await officer.post('/matter', { title: '路边堆料未覆盖', category: 'E04', origin: 'patrol', lon: where[0], lat: where[1] })).json;
  for (const [who, verb, extra] of verbs) {
    const r = await who.post(`/matter/${m.id}/${verb}`, { version: m.version, ...extra });
    ok(`${verb} while a matter is prepared`, r.status === 200, r.text);
    m = r.json;
  }
  return m;
}

async function deputies() {
  const me = await account('officer'), other = await account('officer2'), far = await account('officer4');
  const away = (body) => town.post('/absence', { account_id: me.id, deputy_id: other.id, from_day: day(), to_day: day(3), reason: '培训', ...body });
  ok('somebody of another county cannot stand in', (await away({ deputy_id: far.id })).status === 422);
  ok('nobody stands in for himself', (await away({ deputy_id: me.id })).status === 422);
  ok('an absence that ends before it begins is refused', (await away({ to_day: day(-1) })).status === 422);
  const before = (await matter([town, 'register'], [town, 'dispatch', { fields: { officer_id: officer.me.id } }], [officer, 'accept']));
  const a = await away({});
  ok('the town registers an absence with a deputy', a.status === 201, a.text);
  ok('the same days twice are refused', (await away({ from_day: day(2), to_day: day(9) })).status === 409);
  ok('the deputy cannot be away in these days', (await county.post('/absence', { account_id: other.id, from_day: day(1), to_day: day(1) })).status === 409);
  const here = (await city.get(`/grid/locate?lon=${where[0]}&lat=${where[1]}`)).json.officers;
  ok('the deputy is named as the one who is there', here[0].name === other.name && here[0].stands_in_for === me.name, JSON.stringify(here[0]));
  const later = (await city.get(`/grid/locate?lon=${where[0]}&lat=${where[1]}&on=${day(4)}`)).json.officers;
  ok('after the absence the officer is back', later[0].name === me.name && later[0].stands_in_for === null, JSON.stringify(later[0]));
  const m = await matter([town, 'register'], [town, 'dispatch', { fields: { officer_id: officer.me.id } }]);
  ok('what is dispatched to the absent goes to the deputy', m.officer_id === other.id, m.officer_id);
  const moved = await until(async () => { const x = (await city.get(`/matter/${before.id}`)).json; return x.officer_id === other.id && x; }, 60000, 500);
  ok('what the absent held goes to the deputy', moved && moved.state === 'accepted', JSON.stringify(moved));
  ok('and stands in the time line', (await city.get(`/matter/${before.id}/timeline`)).json.items.some((i) => i.verb === 'hand_over' && i.note.includes('离岗')));
  const deputy = await s.user('officer2');
  ok('the deputy has it on the bench', (await deputy.get('/bench')).json.todo.some((i) => i.id === before.id));
  ok('the absent one cannot handle it any more', (await officer.post(`/matter/${before.id}/ask_delay`, { version: moved.version, note: 'x', fields: { delay_until: new Date(Date.now() + DAY).toISOString() } })).status === 403);
  const none = await city.call('PATCH', `/absence/${a.json.id}`, { version: a.json.version, deputy_id: null });
  ok('without a deputy', none.status === 200, none.text);
  const c = (await city.get('/grid/coverage?level=town')).json;
  ok('the town is a dead corner now', c.no_officer.some((g) => g.grid_code === TOWN));
  ok('and its post has nobody', c.vacant.some((g) => g.grid_code === TOWN && g.explain_zh.includes('无人代理')), JSON.stringify(c.vacant));
  const x = await matter([town, 'register']);
  ok('a dispatch to who is away is refused', (await town.post(`/matter/${x.id}/dispatch`, { version: x.version, fields: { officer_id: officer.me.id } })).status === 422);
  await city.call('PATCH', `/absence/${a.json.id}`, { version: none.json.version, deputy_id: other.id, to_day: day() });
}

async function zones() {
  const z = (await city.get('/zone?code=Z370371')).json.items[0], members = z.members.split(' ');
  const zone = await s.user('zone');
  ok('the committee of the zone logs in', zone.status === 200);
  const seen = (await zone.get('/source?limit=200')).json.items, all = (await city.get('/source?limit=200')).json.items;
  const mine = all.filter((i) => members.some((m) => i.grid_code.startsWith(m)));
  ok('it sees its member places of both divisions, and nothing else', seen.length === mine.length && seen.every((i) => members.some((m) => i.grid_code.startsWith(m))), `${seen.length} ${mine.length}`);
  const f = (await city.get(`/grid/areas?level=town&parent=${members[0].slice(0, 6)}`)).json.features.find((i) => i.properties.code === members[0]), [lon, lat] = middle(f.geometry.coordinates[0]);
  const at = (await city.get(`/grid/locate?lon=${lon}&lat=${lat}`)).json;
  ok('a point there answers to the zone and to its division', at.zone?.code === 'Z370371' && at.chain.some((c) => c.code === members[0].slice(0, 6)));
  ok('its head is among those who answer for the point', (await city.get(`/grid/locate?lon=${lon}&lat=${lat}`)).json.officers.some((o) => o.grid_code === 'Z370371'));
  const cut = await city.call('PATCH', `/zone/${z.id}`, { version: z.version, members: members[1] });
  ok('when a place leaves the zone', cut.status === 200, cut.text);
  ok('the zone does not see it any more', (await zone.get('/source?limit=200')).json.items.every((i) => i.grid_code.startsWith(members[1])));
  ok('a place that does not exist is no member', (await city.call('PATCH', `/zone/${z.id}`, { version: cut.json.version, members: 'nowhere' })).status === 422);
  ok('a post in no place is refused', (await city.post('/post', { grid_code: '370399999', title: 'x', kind: 'head', account_id: zone.me.id, from_day: '2020-01-01' })).status === 422);
}

async function versions() {
  const list = (await city.get(`/grid/areas?level=village&parent=${OTHER}`)).json.features, one = list[0].properties.code;
  const [lon, lat] = middle(list[0].geometry.coordinates[0]);
  const v = await area(one), full = (await city.get(`/area/${v.id}`)).json;
  ok('the point lies in the village', (await city.get(`/grid/locate?lon=${lon}&lat=${lat}`)).json.code.startsWith(one));
  const m = (await city.post('/matter', { title: '改划前发现', category: 'E04', origin: 'patrol', lon, lat })).json;
  const far = { type: 'Polygon', coordinates: [[[117.7, 37.1], [117.71, 37.1], [117.71, 37.11], [117.7, 37.11], [117.7, 37.1]]] };
  const edit = await city.call('PATCH', `/area/${v.id}`, { version: full.version, shape: JSON.stringify(far), name: full.name + '（新）', from_day: day() });
  ok('the outline is another one from today on', edit.status === 200, edit.text);
  const now = await until(async () => { const r = await city.get(`/grid/locate?lon=${lon}&lat=${lat}`); return !r.json.code?.startsWith(one) && r; });
  ok('the point lies in the village no more', now && !now.json.code.startsWith(one), now?.text);
  const then = (await city.get(`/grid/locate?lon=${lon}&lat=${lat}&on=${day(-1)}`)).json;
  ok('yesterday it did, under the name of that day', then.code.startsWith(one) && then.chain.some((c) => c.code === one && c.name === full.name), JSON.stringify(then.chain));
  const shapes = async (on) => JSON.stringify((await city.get(`/grid/areas?level=village&parent=${OTHER}&on=${on}`)).json.features.find((f) => f.properties.code === one).geometry);
  ok('the map of yesterday shows the old outline', (await shapes(day(-1))) === JSON.stringify(list[0].geometry) && (await shapes(day())) === JSON.stringify(far));
  ok('what was found before keeps its place', (await city.get(`/matter/${m.id}`)).json.grid_code.startsWith(one));
  const past = (await city.get(`/area_past?grid_code=${one}`)).json.items;
  ok('the version before is kept', past.length === 1 && past[0].to_day === day(-1) && past[0].name === full.name, JSON.stringify(past));
  ok('a version cannot begin before the one it follows', (await city.call('PATCH', `/area/${v.id}`, { version: edit.json.version, name: 'x', from_day: '2001-01-01' })).status === 422);
  const fixed = await city.call('PATCH', `/area/${v.id}`, { version: edit.json.version, name: full.name });
  ok('a correction of the same day is no new version', fixed.status === 200 && (await city.get(`/area_past?grid_code=${one}`)).json.items.length === 1);
  const c = (await city.get('/grid/coverage?level=village')).json;
  ok('ground in no village is found, with its size and a point in it', c.uncovered.some((g) => g.grid_code === OTHER && g.km2 > 0.1 && g.lon > 117), JSON.stringify(c.uncovered));
  const before = (await city.get(`/grid/coverage?level=village&on=${day(-1)}`)).json; ok('yesterday there was none', !before.uncovered.some((g) => g.grid_code === OTHER), JSON.stringify(before.uncovered));
  ok('no day', (await city.get('/grid/coverage?on=tomorrow')).status === 422);
}

async function coverage() {
  const c = (await city.get('/grid/coverage?level=town')).json;
  ok('towns without an officer are listed', c.no_officer.length > 0 && c.no_officer.every((g) => g.grid_code.length === 9) && !c.no_officer.some((g) => g.grid_code === TOWN));
  ok('a county asks for itself only', (await county.get('/grid/coverage?level=town')).json.no_officer.every((g) => g.grid_code.startsWith('370302')));
  ok('outlines fill the city, none overlaps', c.uncovered.length === 0 && c.overlap.length === 0);
  const kept = await until(async () => { const r = (await city.get('/grid_gap?state=open&kind=no_officer&limit=200')).json; return r.total === c.no_officer.length && r; }, 30000, 300);
  ok('they are kept as records', Boolean(kept), JSON.stringify(kept));
  ok('an officer may not see them', (await officer.get('/grid/coverage')).status === 403);
}

await t.run(async () => {
  s = await Server.make(lanfan, engine);
  ok('the demonstration city is filled', s.run('demo').status === 0);
  ok('the server starts', await s.start(), s.log);
  [admin, city, county, town, officer] = await Promise.all(['admin', 'city', 'county', 'town', 'officer'].map((l) => s.user(l)));
  const cells = (await city.get(`/grid/areas?level=village&parent=${TOWN}`)).json.features;
  where = middle(cells.at(-1).geometry.coordinates[0]);
  await coverage();
  await deputies();
  await zones();
  await versions();
  ok('the server stops', (await s.stop()) === 0);
}, () => s.remove());
