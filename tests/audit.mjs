// The audit trail through a real server: who sees whose entries, what stays sealed, that taking it away is an entry too, and that the chain
// is checked beside the work, tells what was touched, and agrees with the command line.
// usage: node audit.mjs LANFAN sqlite|postgres
import { Checks, Server, User, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`audit ${engine}`), ok = (...a) => t.ok(...a);
let s;

/** An account that has chosen its password; the one-time one is said by the command. */
async function person(login, role, area) {
  const told = s.run('user', 'add', login, '--role', role, '--area', area, '--name', login), once = /one-time password: (\S+)/.exec(told.stdout)?.[1];
  const u = new User(s.base);
  await u.login(login, once);
  await u.post('/me/password', { old: once, new: 'Lanfan-test-9' });
  return await u.login(login, 'Lanfan-test-9') === 200 && u;
}
/** Asks for a check as soon as none is running, waits for its end. */
async function check(u, body = {}) {
  let r;
  await until(async () => (r = await u.post('/audit_check', body)).status !== 409, 30000, 200);
  return r.status === 201 ? until(async () => { const { json } = await u.get(`/audit_check/${r.json.id}`); return json.state !== 'running' && json; }, 30000, 200) : r;
}
const all = async (u, q) => { const items = []; let after = ''; do { const { json } = await u.get(`/audit?limit=7${q}${after && '&after=' + after}`); items.push(...json.items); after = json.next; } while (after); return items; };

await t.run(async () => {
  s = await Server.make(lanfan, engine);
  ok('the demonstration city is filled', s.run('demo').status === 0);
  ok('the server starts', await s.start());
  const admin = await s.user('admin'), county = await s.user('county'), officer = await s.user('officer'), city = await s.user('city');
  const here = await person('here', 'auditor', '370302'), there = await person('there', 'auditor', '370323');
  ok('auditors log in', here && there);
  for (const [who, u] of [['a county desk', county], ['an officer', officer], ['the command centre', city]]) {
    ok(`${who} may not look into the trail`, (await u.get('/audit')).status === 403 && (await u.get('/audit/1')).status === 403 && (await u.get('/audit.csv')).status === 403);
    ok(`${who} may not check it`, (await u.post('/audit_check', {})).status === 403);
    ok(`${who} is not told of it`, !(await u.get('/meta')).json.rooms.some((r) => r.name.startsWith('audit')));
  }
  const cell = (await city.get('/grid/areas?level=village&parent=370302116')).json.features[0], ring = cell.geometry.coordinates[0].slice(0, -1);
  const lon = ring.reduce((n, p) => n + p[0], 0) / ring.length, lat = ring.reduce((n, p) => n + p[1], 0) / ring.length;
  const m = (await officer.post('/matter', { title: '路边堆料未覆盖', category: 'E04', origin: 'patrol', lon, lat, reporter_name: '不公开的人', reporter_phone: '13800000000' })).json;
  const town = await s.user('town');
  await town.post(`/matter/${m.id}/register`, { version: m.version });

  // whose entries
  const mine = await all(here, ''), his = await all(there, '');
  ok('an auditor sees the entries of the county', mine.length > 10 && mine.every((e) => e.grid_code.startsWith('370302')));
  ok('the other county sees its own', his.length > 0 && his.every((e) => e.grid_code.startsWith('370323')));
  const one = mine.find((e) => e.topic === 'matter' && e.row_id === m.id && e.verb === 'create');
  ok('an entry of another county is not there', (await there.get(`/audit/${one.id}`)).status === 404);
  ok('newest first, nothing twice', mine.every((e, i) => !i || e.at < mine[i - 1].at || (e.at === mine[i - 1].at && e.id < mine[i - 1].id)));
  const whole = await admin.get('/audit?limit=200&topic=role');
  ok('what belongs to no place is seen by those who see everything', whole.status === 200 && (await all(here, '&topic=role')).length === 0);

  // filters
  const count = async (q) => (await admin.get(`/audit?limit=200&${q}`)).json.items;
  ok('by record', (await count(`topic=matter&row_id=${m.id}`)).map((e) => e.verb).join() === 'register,create');
  ok('by actor', (await count(`actor=${officer.me.id}`)).every((e) => e.actor === officer.me.id && e.actor_label === officer.me.name));
  ok('by action', (await count('verb=login')).length >= 6);
  ok('by time', (await count(`from_at=${one.at.replace('+', '%2B')}&topic=matter&row_id=${m.id}`)).length === 2 && (await count('to_at=2001-01-01')).length === 0);
  ok('by area', (await count('grid_code=370323')).every((e) => e.grid_code.startsWith('370323')));
  ok('an unknown filter is refused', (await admin.get('/audit?diff=x')).status === 422);
  ok('codes have words', one.topic_label === '事项' && one.verb_label === '新建' && one.grid_name.length > 0, JSON.stringify(one));
  const words = (await admin.get('/audit/words')).json;
  ok('filters have their words', words.topics.some((w) => w.code === 'matter') && words.verbs.some((w) => w.topic === 'matter' && w.code === 'register') && words.verbs.some((w) => w.code === 'reveal'));

  // seals
  const entry = (await here.get(`/audit/${one.id}`)).json, diff = JSON.parse(entry.diff);
  ok('changes are told field by field', diff.title[0] === null && diff.title[1] === '路边堆料未覆盖' && entry.diff_label.includes('路边堆料未覆盖'), JSON.stringify(entry));
  ok('what is sealed stays sealed', diff.reporter_name[1] === '***' && diff.reporter_phone[1] === '***' && !JSON.stringify(entry).includes('不公开'));
  ok('who wanted to see it is an entry', (await admin.post(`/matter/${m.id}/reveal`, { note: '核实线索' })).json.reporter_name === '不公开的人' && (await count('verb=reveal'))[0].note === '核实线索');

  // nothing is added or changed
  for (const [method, path] of [['POST', '/audit'], ['PATCH', `/audit/${one.id}`], ['DELETE', `/audit/${one.id}`], ['POST', `/audit/${one.id}/comments`], ['POST', '/audit/import?kind=csv'], ['PATCH', '/audit_check/1']])
    ok(`${method} ${path.replace(one.id, 'ID')} is refused`, [403, 404, 405].includes((await admin.call(method, path, { version: 1, note: 'x' })).status));

  // taken away
  const csv = await here.get('/audit.csv?topic=matter'), sheet = await here.get('/audit.xlsx');
  ok('CSV has the entries in words, nothing sealed', csv.status === 200 && csv.text.includes('路边堆料未覆盖') && csv.text.includes('新建') && !csv.text.includes('13800000000'), csv.text.slice(0, 300));
  ok('and the sheet', sheet.status === 200 && sheet.text.startsWith('PK'));
  const [, taken] = await all(here, '&verb=export');
  ok('each export is an entry', taken.actor === here.me.id && taken.topic === 'audit' && taken.note.includes('topic=matter') && taken.verb_label === '导出', JSON.stringify(taken));
  ok('which the other county does not see', (await all(there, '&verb=export')).length === 0);

  // the chain
  const good = await check(admin);
  ok('a check runs by itself and is good', good.state === 'good' && good.done === good.upto && good.upto > 10 && /^[0-9a-f]{64}$/.test(good.head) && good.ended_at, JSON.stringify(good));
  const cli = s.run('audit', 'verify', '--anchor', good.head);
  ok('the command line finds its end', cli.status === 0, cli.stderr);
  const again = await check(here, { anchor: good.head });
  ok('an end noted outside is found', again.state === 'good' && again.anchor_at === good.upto, JSON.stringify(again));
  ok('what is no hash is refused', (await check(admin, { anchor: 'x' })).status === 422);
  ok('a hash that is nowhere is told', (await check(admin, { anchor: 'f'.repeat(64) })).state === 'broken');
  ok('the trail is changed behind the server\'s back', s.touch(`UPDATE audit SET note = 'x' WHERE id = ${one.id}`));
  const bad = await check(admin);
  ok('the check names the entry', bad.state === 'broken' && bad.bad === one.id && bad.finding.includes(String(one.id)), JSON.stringify(bad));
  const notice = (await admin.get('/notices?unread=1')).json.items.find((n) => n.room === 'audit_check');
  ok('whoever may see checks is told', notice?.zh.includes('审计链') && notice.row_id > 0);
  ok('the log says so, and keeps the ends of good checks', /audit trail: .*\nHINT/.test(s.log) && s.log.includes(`head ${good.head}`), s.log.slice(-300));
  ok('the command line agrees', s.run('audit', 'verify').stderr.includes(`broken at entry ${one.id}`));
  s.touch(`UPDATE audit SET note = NULL WHERE id = ${one.id}`);
  ok('put back, it is good', (await check(admin)).state === 'good');
  ok('it stops cleanly', (await s.stop()) === 0);
}, () => s?.remove());
