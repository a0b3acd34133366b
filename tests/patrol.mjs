// Tasks walked and proved, the five definites of a place, figures of officers; and the matter's loop in every turn it may take.
// usage: node patrol.mjs LANFAN sqlite|postgres
import { Checks, Server } from './lib.mjs';
import { deflateSync } from 'node:zlib';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`patrol on ${engine}`), ok = (...a) => t.ok(...a);
const TOWN = '370302116', DAY = 86400e3, HOUR = 3600e3;
const day = (n = 0) => new Date(Date.now() + 8 * HOUR + n * DAY).toISOString().slice(0, 10);
let s, city, county, town, officer, other, where;

/** A picture of its own each time: a square of one colour. */
let shade = 0;
function png() {
  const crcTable = Array.from({ length: 256 }, (_, n) => { let c = n; for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1; return c >>> 0; });
  const crc = (b) => { let c = 0xffffffff; for (const x of b) c = crcTable[(c ^ x) & 255] ^ (c >>> 8); return (c ^ 0xffffffff) >>> 0; };
  const chunk = (type, data) => { const b = Buffer.concat([Buffer.from(type), data]), n = Buffer.alloc(4), e = Buffer.alloc(4); n.writeUInt32BE(data.length); e.writeUInt32BE(crc(b)); return Buffer.concat([n, b, e]); };
  const head = Buffer.alloc(13); head.writeUInt32BE(4, 0); head.writeUInt32BE(4, 4); head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(12, ++shade)]);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat([row, row, row, row]))), chunk('IEND', Buffer.alloc(0))]);
}
async function photo(who) {
  const f = await who.call('POST', '/files?name=after.png', png(), 'image/png');
  return { hash: f.json.hash, name: 'after.png' };
}

class Matter {
  static async found(who = officer, more = {}) {
    const m = new Matter(), r = await who.post('/matter', { title: '路边堆料未覆盖', category: 'E04', origin: 'patrol', lon: where[0], lat: where[1], ...more });
    m.row = r.json;
    return m;
  }
  async do(who, verb, extra = {}) {
    const r = await who.post(`/matter/${this.row.id}/${verb}`, { version: this.row.version, ...extra });
    if (r.status === 200) this.row = r.json;
    return r;
  }
  async go(...moves) { for (const [who, verb, extra] of moves) { const r = await this.do(who, verb, extra); if (r.status !== 200) return ok(`${verb} while a matter is prepared`, false, r.text); } return this; }
  async steps() { return (await city.get(`/matter/${this.row.id}/clock`)).json.steps; }
}
const sent = () => [[town, 'register'], [town, 'dispatch', { fields: { officer_id: officer.me.id } }]];
const handled = async () => [...sent(), [officer, 'accept'], [officer, 'handle', { note: '已覆盖', files: [await photo(officer)] }]];

async function patrols() {
  const plan = (await officer.get(`/patrol_plan?grid_code=${TOWN}`)).json.items[0];
  ok('the officer sees the task of the town', plan?.times === 2 && plan.every_days === 7, JSON.stringify(plan));
  const p = await officer.post('/patrol', { plan_id: plan.id, lon: where[0], lat: where[1] });
  ok('a patrol begins', p.status === 201 && p.json.state === 'going' && p.json.grid_code.startsWith(TOWN), p.text);
  ok('one at a time', (await officer.post('/patrol', { lon: where[0], lat: where[1] })).status === 409);
  ok('nobody else ends it', (await other.post(`/patrol/${p.json.id}/finish`, { version: p.json.version, fields: { summary: 'x' } })).status >= 403);
  ok('an end says what was seen', (await officer.post(`/patrol/${p.json.id}/finish`, { version: p.json.version })).status === 422);
  const track = JSON.stringify(Array.from({ length: 6 }, (_, i) => [Date.now() + i * 1000, where[0], where[1] + i * 1e-5]));
  const done = await officer.post(`/patrol/${p.json.id}/finish`, { version: p.json.version, fields: { summary: '未见异常', track } });
  ok('it ends, and says openly what is missing', done.status === 200 && done.json.state === 'done' && done.json.valid === false && /时长.*少于.*里程/.test(done.json.explain), done.text);
  ok('its track lies in the own grid', done.json.inside === 1);
  const b = await officer.post('/patrol', { lon: where[0], lat: where[1] });
  ok('another is broken off', (await officer.post(`/patrol/${b.json.id}/drop`, { version: b.json.version, note: '暴雨' })).json?.state === 'dropped');
  ok('the county sees them', (await county.get('/patrol?limit=50')).json.total === 2);
}

async function five() {
  const f = (await officer.get(`/grid/five?code=${TOWN}`)).json;
  ok('area', f.area.name === '双杨镇' && f.area.level === 'town' && f.area.generated === true && f.area.chain.length === 4, JSON.stringify(f.area));
  ok('duty', f.duty.length > 0 && f.duty.every((d) => d.duty && d.department));
  ok('person', f.person.some((p) => p.account_id === officer.me.id && p.acting_id === officer.me.id) && f.person.some((p) => p.grid_code === '370302'), JSON.stringify(f.person));
  ok('task', f.task.some((p) => p.times === 2 && p.every_days === 7));
  ok('assessment', f.assessment.some((a) => a.account_id === officer.me.id && a.patrols === 1 && a.valid === 0), JSON.stringify(f.assessment));
  ok('before the posts began there was nobody', (await city.get(`/grid/five?code=${TOWN}&on=2016-01-01`)).json.person.length === 0);
  ok('a place that does not exist', (await city.get('/grid/five?code=370399')).status === 404);
}

async function loop() {
  // return
  let m = await (await Matter.found()).go(...sent());
  ok('a return needs a reason', (await m.do(officer, 'return')).status === 422);
  for (let i = 0; i < 3; i++) await m.go([officer, 'return', { note: '不属于本人职责' }], [town, 'dispatch', { fields: { officer_id: officer.me.id } }]);
  ok('three returns are counted, a fourth is refused', m.row.returns === 3 && (await m.do(officer, 'return', { note: 'x' })).status === 409);
  ok('somebody who does not answer for the place gets nothing', (await m.do(town, 'dispatch', { fields: { officer_id: other.me.id } })).status === 422);
  // delay
  await m.go([officer, 'accept']);
  const due = (await m.steps()).find((x) => x.state === 'accepted').due_at, until = new Date(Date.now() + 5 * DAY).toISOString();
  ok('a delay of a year is refused', (await m.do(officer, 'ask_delay', { note: 'x', fields: { delay_until: new Date(Date.now() + 365 * DAY).toISOString() } })).status === 422);
  await m.go([officer, 'ask_delay', { note: '设备未到', fields: { delay_until: until } }]);
  ok('the officer does not grant it himself', (await m.do(officer, 'grant_delay')).status === 403);
  await m.go([town, 'refuse_delay', { note: '请尽快' }]);
  ok('refused: the time stays', m.row.state === 'accepted' && (await m.steps()).find((x) => x.state === 'accepted').due_at === due);
  await m.go([officer, 'ask_delay', { note: '设备未到', fields: { delay_until: until } }], [town, 'grant_delay']);
  ok('granted: the time moves', Date.parse((await m.steps()).find((x) => x.state === 'accepted').due_at) === Date.parse(until));
  // suspension
  await m.go([town, 'suspend', { note: '需部门协调' }]);
  ok('suspended: its clock stands still', m.row.state === 'suspended' && (await m.do(officer, 'handle', { note: 'x', files: [await photo(officer)] })).status === 409);
  await m.go([town, 'resume']);
  // a photo of elsewhere, supervision
  const shown = await photo(officer);
  await m.go([officer, 'handle', { note: '已覆盖', files: [shown] }]);
  const n = await (await Matter.found()).go(...sent(), [officer, 'accept']);
  const copied = await n.do(officer, 'handle', { note: '已覆盖', files: [shown] });
  ok('a photo of another matter proves nothing', copied.status === 409 && copied.json.field === 'files', copied.text);
  ok('a town may not supervise', (await n.do(town, 'supervise', { note: 'x' })).status === 403);
  await n.go([county, 'supervise', { note: '群众反映强烈' }]);
  ok('the level above supervises, the officer hears of it', n.row.supervised && JSON.stringify((await officer.get('/notices')).json).includes('督办'));
  // raise
  const below = n.row.grid_code;
  await n.go([town, 'raise', { note: '超出村级权限' }]);
  ok('beyond the power of the level it goes up', n.row.state === 'registered' && n.row.grid_code.length < below.length && below.startsWith(n.row.grid_code), n.row.grid_code);
  // rework, verified, closed, not true
  ok('who handled it does not check it', (await m.do(officer, 'verify')).status === 403);
  await m.go([town, 'rework', { note: '覆盖不全' }], [officer, 'handle', { note: '已全部覆盖', files: [await photo(officer)] }], [town, 'verify']);
  ok('a town does not close', (await m.do(town, 'close')).status === 403);
  await m.go([county, 'close']);
  ok('closed, with one rework', m.row.state === 'closed' && m.row.reworks === 1);
  ok('to open it again needs a reason', (await m.do(county, 'reopen')).status === 422);
  await m.go([county, 'reopen', { note: '复查发现又堆放' }]);
  ok('a closing that was not true is counted', m.row.state === 'registered' && m.row.reopens === 1 && m.row.closed_at === null);
  const line = (await county.get(`/matter/${m.row.id}/timeline`)).json.items.map((i) => i.verb);
  ok('every turn stands in the time line', ['return', 'ask_delay', 'refuse_delay', 'grant_delay', 'suspend', 'resume', 'handle', 'rework', 'verify', 'close', 'reopen'].every((v) => line.includes(v)), line.join(' '));
  // on the spot, rejected, void
  const spot = await Matter.found();
  ok('only who found it settles it on the spot', (await spot.do(await s.user('o370302115'), 'settle', { note: 'x', files: [await photo(officer)] })).status >= 403);
  await spot.go([officer, 'settle', { note: '已现场制止并整改', files: [await photo(officer)] }]);
  ok('settled on the spot, to be checked by another', spot.row.state === 'handled' && spot.row.officer_id === officer.me.id && (await spot.do(officer, 'verify')).status === 403);
  await spot.go([town, 'verify'], [county, 'close']);
  const no = await (await Matter.found()).go([town, 'reject', { note: '经核实情况不属实' }]);
  ok('not so: rejected', no.row.state === 'rejected');
  const twice = await (await Matter.found()).go([town, 'register']);
  ok('a town does not void', (await twice.do(town, 'void', { note: 'x' })).status === 403);
  await twice.go([county, 'void', { note: '重复立案' }]);
  ok('void', twice.row.state === 'rejected');
}

async function limits() {
  const minutes = { E01: [30, 'minute'], E02: [10, 'minute'], E04: [60, 'work_minute'], E07: [10, 'minute'], E13: [15, 'minute'], E15: [1, 'work_day'] };
  for (const [category, [n, unit]] of Object.entries(minutes)) {
    const m = await Matter.found(officer, { category }), step = (await m.steps())[0];
    ok(`${category}: its own time to be registered`, step.limit === n && step.unit === unit && step.due_at, JSON.stringify([step.limit, step.unit]));
  }
}

async function figures() {
  const a = (await county.get('/assessment')).json, me = a.items.find((i) => i.account_id === officer.me.id);
  ok('formulas stand beside the figures', a.indicators.length === 3 && a.indicators.every((i) => i.formula_zh && i.formula_en));
  ok('a county sees its own officers', a.items.length > 5 && a.items.every((i) => i.grid_code.startsWith('370302')));
  ok('matters handled, all in time', me.handled >= 2 && me.on_time === me.handled && me.rate.on_time === 100, JSON.stringify(me));
  ok('three returned, one sent back', me.returned === 3 && me.failed === 1 && me.passed >= 2, JSON.stringify(me));
  ok('no valid patrol of those planned', me.planned > 0 ? me.rate.patrol === 0 : me.rate.patrol === null, JSON.stringify(me));
  const idle = a.items.find((i) => i.handled === 0 && i.overdue_open === 0);
  ok('who had nothing to do has no rate', idle.rate.on_time === null && idle.rate.no_rework === null);
  const month = (await county.get('/assessment?from=2025-01-01&to=2025-12-31')).json.items.find((i) => i.account_id === officer.me.id);
  ok('a year of the plan: twice a week', month.planned === Math.floor(365 * 2 / 7) && month.rate.patrol === 0, JSON.stringify(month));
  ok('the rank needs enough to do', a.items.every((i) => i.rank === null || i.planned + i.handled + i.overdue_open >= 5));
  ok('an officer may ask', (await officer.get('/assessment')).status === 200);
  ok('a wrong day is refused', (await county.get('/assessment?from=never')).status === 422);
}

await t.run(async () => {
  s = await Server.make(lanfan, engine);
  ok('the demonstration city is filled', s.run('demo').status === 0);
  ok('the server starts', await s.start(), s.log);
  [city, county, town, officer, other] = await Promise.all(['city', 'county', 'town', 'officer', 'officer4'].map((l) => s.user(l)));
  const ring = (await city.get(`/grid/areas?level=village&parent=${TOWN}`)).json.features[0].geometry.coordinates[0];
  where = [0, 1].map((k) => ring.slice(0, -1).reduce((sum, p) => sum + p[k], 0) / (ring.length - 1));
  await patrols();
  await five();
  await loop();
  await limits();
  await figures();
  ok('the server stops', (await s.stop()) === 0);
}, () => s.remove());
