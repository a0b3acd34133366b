// Alarms through a real server: what begins an episode and what ends it, maintenance, escalation, closing by measurement, and a server
// that is killed between a packet's acknowledgement and its judging.
// usage: node alarm.mjs LANFAN sqlite|postgres
import { Checks, Server, Station, User as Person, packet, sleep, stamp, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(engine), ok = (...a) => t.ok(...a);
const HOUR = 3600e3, MIN = 60e3;
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const mnOf = (n) => '3703' + String(n).padStart(20, '0');
let server;
await t.run(async () => {
  server = await Server.make(lanfan, engine);
  class User extends Person { constructor() { super(server.base); } }
  ok('the demonstration city is filled', server.run('demo').status === 0);
  ok('the server starts', await server.start());
  const users = {};
  for (const l of ['city', 'admin', 'county', 'town', 'officer', 'officer2', 'officer3', 'officer4', 'county2']) { users[l] = new User(); await users[l].login(l); }
  const { city, admin, county, town } = users;
  const relogin = async () => { for (const l of Object.keys(users)) await users[l].login(l); };
  const stations = (await city.get('/station?limit=200')).json.items;
  const idOf = (n) => stations.find((s) => s.mn === mnOf(n)).id;
  const alarms = async (n, type) => (await city.get(`/alarm?station_id=${idOf(n)}&type=${type}&limit=50`)).json.items;
  const one = (n, type, want) => until(async () => { const a = (await alarms(n, type))[0]; return a && want(a) ? a : null; }, 60000, 200); // the rules' own times are up to 20 s
  let wire = await new Station(server.stationPort).open();
  const again = async () => { wire.close(); wire = await new Station(server.stationPort).open(); };
  const hour0 = Math.floor(Date.now() / HOUR) * HOUR - 60 * HOUR;
  const flue = (n, h, so2, flag = 'N') => packet({ mn: mnOf(n), st: '31', cn: '2061', at: hour0 + h * HOUR, items: `a21026-Avg=${so2},a21026-ZsAvg=${so2},a21026-Flag=${flag}` });
  const real = (n, at, items) => packet({ mn: mnOf(n), st: '31', cn: '2011', at, items });

  // an hourly mean over an hourly limit; real-time values are none of its business
  const now = Math.floor(Date.now() / 1000) * 1000;
  ok('packets are acknowledged', await wire.send([flue(7, 0, 80), real(7, now - 50e3, 'a21026-Rtd=400,a21026-Flag=N'), flue(7, 1, 150)]));
  let a = await one(7, 'exceed', (x) => x.state === 'open');
  ok('an hourly mean over the limit is an alarm', a && a.value === 150 && a.limit_value === 100, JSON.stringify(a));
  ok('value and limit have their unit', a.unit === 'mg/m³', JSON.stringify(a));
  const full = (await city.get(`/alarm/${a.id}`)).json;
  ok('it says why, and by which clause', /折算小时均值 150/.test(full.explain) && /GB 13223/.test(full.basis), full.explain + full.basis);
  const read = async (path, lang) => (await fetch(`${server.base}/api/v1${path}`, { headers: { Cookie: city.cookie, 'Accept-Language': lang } })).json();
  const abroad = await read(`/alarm/${full.id}`, 'en'), born = await read(`/matter/${full.matter_id}`, 'en'), plan = (m) => m.todo.find((i) => i.room === 'alarm' && i.id === full.id)?.title;
  ok('its title is in the reader\'s language', /二氧化硫超标：150 mg\/m³（限值 100）$/.test(full.title) && /: Exceedance, Sulfur dioxide 150 mg\/m³ \(limit 100\)$/.test(abroad.title), `${full.title} ${abroad.title}`);
  ok('its matter has the same', born.title === abroad.title && (await city.get(`/matter/${full.matter_id}`)).json.title === full.title, JSON.stringify(born));
  ok('so it has where it is named elsewhere', abroad.matter_id_label === abroad.title && full.matter_id_label === full.title && plan(await read('/bench', 'en')) === abroad.title && plan(await read('/bench', 'zh')) === full.title, abroad.matter_id_label);
  ok('a search finds it in English too', (await read('/alarm?q=Exceedance&limit=200', 'zh')).items.some((i) => i.id === full.id));
  ok('why is told in the reader\'s language, in the matter too', /^Hourly mean|mean/.test(abroad.explain) && abroad.explain === born.description && (await city.get(`/matter/${full.matter_id}`)).json.description === full.explain && !abroad.explain.includes(full.explain), born.description);
  const rule1 = (await city.get('/alarm_rule?limit=1')).json.items[0], change = (m, fields) => city.call('PATCH', `/alarm_rule/${m.id}`, { version: m.version, ...fields });
  const rule1en = await read(`/alarm_rule/${rule1.id}`, 'en');
  let words = (await change(rule1en, { title: rule1en.title, basis: '国家标准' })).json;
  ok('a half that comes back changes nothing', words.title === rule1.title && words.title !== rule1en.title && (await read(`/alarm_rule/${words.id}`, 'en')).title === rule1en.title, words.title);
  words = (await change(words, { title: '小时均值超标' })).json;
  ok('other words are for every reader', (await read(`/alarm_rule/${words.id}`, 'en')).title === '小时均值超标');
  ok('and so is what the time line tells', (await read(`/alarm_rule/${words.id}/timeline`, 'en')).items.some((i) => i.diff?.some((d) => d.field === 'title' && d.was === rule1en.title && d.now === words.title)));
  words = (await change(words, { title: `${rule1.title} | ${rule1en.title}` })).json;
  ok('both languages can be given', words.title === rule1.title && (await read(`/alarm_rule/${words.id}`, 'en')).title === rule1en.title, words.title);
  const tip = await city.post('/matter', { title: '群众举报 | 夜间', description: '现场核实：甲 | 乙', category: 'E04', origin: 'patrol', lon: born.lon, lat: born.lat });
  const heard = await read(`/matter/${tip.json.id}`, 'en');
  ok('what a person tells of a matter is whole for every reader', tip.json.title === '群众举报｜夜间' && heard.title === tip.json.title && tip.json.description === '现场核实：甲｜乙' && heard.description === tip.json.description, tip.text);
  ok('on the bench too', [await read('/bench', 'en'), await read('/bench', 'zh')].every((x) => x.todo.some((i) => i.room === 'matter' && i.title === tip.json.title)));
  const titles = async (room, lang) => (await read(`/${room}?limit=50`, lang)).items.map((x) => x.title);
  for (const room of ['alarm', 'alarm_rule', 'limit_value']) {
    const zh = await titles(room, 'zh'), en = await titles(room, 'en');
    ok(`${room}: what the program calls it is told in the reader's language`, zh.length > 0 && zh.every((x, i) => !x.includes(' | ') && !en[i].includes(' | ') && x !== en[i]), zh[0] + en[0]);
  }
  ok('a list as a table, too', await (async () => { const r = await fetch(`${server.base}/api/v1/alarm_rule.csv`, { headers: { Cookie: city.cookie, 'Accept-Language': 'en' } }); const x = await r.text(); return /Over a limit of emission or quality \(hourly mean\)/.test(x) && !/超过排放/.test(x); })());
  ok('it has a matter and a colour', full.matter_id > 0 && full.severity === 'orange' && full.period === 'hour');
  await wire.send([flue(7, 2, 999, 'D'), flue(7, 3, 260)]);
  a = await one(7, 'exceed', (x) => x.value === 260);
  ok('one alarm per episode, with its worst value; marked data counts for nothing', a && (await alarms(7, 'exceed')).length === 1, JSON.stringify(a));
  await wire.send([flue(7, 4, 60)]);
  a = await one(7, 'exceed', (x) => x.state === 'ended');
  ok('a good hour ends it', a !== null && a !== undefined);
  const line = (await city.get(`/matter/${full.matter_id}/timeline`)).json.items;
  ok('its matter hears of the end', line.some((i) => i.kind === 'comment' && /恢复正常/.test(i.note)), JSON.stringify(line.map((i) => i.note)));
  await wire.send([flue(7, 5, 130)]);
  a = await one(7, 'exceed', (x) => x.state === 'open');
  ok('a short gap merges: the same alarm, no second matter', a?.id === full.id && (await alarms(7, 'exceed')).length === 1);
  await wire.send([flue(7, 6, 50)]);
  await one(7, 'exceed', (x) => x.state === 'ended');

  // closing by measurement
  let m = (await city.get(`/matter/${full.matter_id}`)).json;
  const login = (await admin.get(`/account/${m.officer_id}`)).json.login, doer = users[login] ??= new User();
  await doer.login(login);
  const move = async (u, verb, extra = {}) => { const r = await u.call('POST', `/matter/${m.id}/${verb}`, { version: m.version, ...extra }); if (r.status === 200) m = r.json; return r; };
  const file = (await doer.call('POST', '/files?name=after.png', PNG, 'image/png')).json;
  const photo = { note: '已检修', files: [{ hash: file.hash, name: 'after.png' }] };
  const steps = [await move(doer, 'accept'), await move(doer, 'handle', photo), await move(city, 'verify')].map((r) => r.status).join(' ');
  ok('the matter is handled and verified', steps === '200 200 200', steps);
  let r = await move(city, 'close');
  ok('it does not close before enough good hours', r.status === 409 && /1 个合格/.test(r.text), r.status + r.text);
  ok('why it waits is told', m._waits.length === 1 && m._waits[0].verb === 'close' && /监测仍在报警|个合格的/.test(m._waits[0].why), JSON.stringify(m._waits));
  const onBench = async (u) => { const b = (await u.get('/bench')).json; return [...b.todo, ...b.overdue].find((i) => i.room === 'matter' && i.id === m.id); };
  const sameAsPage = async (who) => {
    const i = await onBench(users[who]), page = (await users[who].get(`/matter/${m.id}`)).json;
    ok(`the bench of the ${who} says the same as the page: not yet, and why`, i && !i.verbs.includes('close') && i.waits.length === 1 && i.waits[0].why && JSON.stringify(i.waits) === JSON.stringify(page._waits), JSON.stringify([i, page._waits]));
  };
  await sameAsPage('city');
  ok('what the officer has done is not on his bench', !(await onBench(doer)));
  ok('closing is not offered either, the override is', !m._verbs.includes('close') && m._verbs.includes('override'), m._verbs);
  ok('the override needs a reason', (await move(city, 'override')).status === 422);
  ok('and a right of its own', (await move(county, 'override', { note: 'x' })).status === 403);
  await wire.send([7, 8, 9].map((h) => flue(7, h, 40)));
  const offer = await until(async () => { const i = await onBench(city); return i?.verbs.includes('close') ? i : null; }, 5000);
  ok('after four the bench offers it', offer?.waits.length === 0, JSON.stringify(offer));
  r = await move(city, 'close');
  ok('after four good hours in a row it closes', r?.status === 200 && m.state === 'closed', r?.text);

  // the same with hours of today: the fourth good one ends within two hours
  const hour = Math.floor(Date.now() / HOUR) * HOUR, recent = (ago, so2) => packet({ mn: mnOf(34), st: '31', cn: '2061', at: hour - ago * HOUR, items: `a21026-Avg=${so2},a21026-ZsAvg=${so2},a21026-Flag=N` });
  await wire.send([recent(3, 150)]);
  await one(34, 'exceed', (x) => x.state === 'open');
  await wire.send([recent(2, 40)]);
  a = await one(34, 'exceed', (x) => x.state === 'ended');
  m = (await city.get(`/matter/${(await city.get(`/alarm/${a.id}`)).json.matter_id}`)).json;
  const login2 = (await admin.get(`/account/${m.officer_id}`)).json.login, doer2 = users[login2] ??= new User();
  await doer2.login(login2);
  const hash = (await doer2.call('POST', '/files?name=after.png', Buffer.concat([PNG, Buffer.from('2')]), 'image/png')).json.hash;
  const way = [await move(doer2, 'accept'), await move(doer2, 'handle', { note: '已检修', files: [{ hash, name: 'after.png' }] }), await move(city, 'verify')];
  ok('another matter is handled and verified', way.every((x) => x.status === 200), way.map((x) => x.status + (x.status === 200 ? '' : x.text)).join(' '));
  await sameAsPage('county');
  const then = stamp(hour + 2 * HOUR).replace(/^(....)(..)(..)(..)(..).*/, '$1-$2-$3 $4:$5');
  const wait = (await onBench(city))?.waits, abroadWait = (await read('/bench', 'en')).todo.find((i) => i.room === 'matter' && i.id === m.id)?.waits;
  ok('until when it waits is told', wait?.length === 1 && wait[0].why.includes(`（最早 ${then}）`), JSON.stringify([then, wait]));
  ok('in English too', abroadWait?.length === 1 && abroadWait[0].why.includes(`(${then} at the earliest)`), JSON.stringify(abroadWait));

  // reference oxygen: the limits are for 6 %; a device that does not convert is converted from the means of the hour
  const burning = (n, so2, o2, cn = '2051') => (cn === '2051' ? Array.from({ length: 6 }, (_, i) => i * 10 * MIN) : [0]).map((d) =>
    packet({ mn: mnOf(n), st: '31', cn, at: hour0 + 20 * HOUR + d, items: `a21026-Avg=${so2},a21026-Flag=N;a19001-Avg=${o2},a19001-Flag=N` }));
  await wire.send([...burning(24, 80, 12), ...burning(25, 110, 3), ...burning(26, 85, 12, '2061'), ...burning(31, 130, 21.5, '2061')]);
  const late = (n) => until(async () => (await alarms(n, 'exceed'))[0], 40000, 300);
  a = await late(24);
  ok('80 mg/m³ at 12 % oxygen are 133 at 6 %: over the limit of 100', Math.abs(a?.value - 80 * 15 / 9) < 1e-9, JSON.stringify(a));
  a = await late(26);
  ok('so it is for a device that sends hours only', Math.abs(a?.value - 85 * 15 / 9) < 1e-9, JSON.stringify(a));
  a = await late(31);
  ok('what cannot be converted is compared as measured, and the alarm says so', a?.value === 130 && /未折算/.test((await city.get(`/alarm/${a.id}`)).json.explain), JSON.stringify(a));
  const converted = await until(async () => (await city.get(`/series?station=${idOf(25)}&factor=a21026&kind=hour_calc&from=${new Date(hour0).toISOString()}`)).json.series[0].points[0], 40000);
  const law = (await city.get(`/series?station=${idOf(25)}&factor=a21026&kind=hour_calc&converted=1&from=${new Date(hour0).toISOString()}`)).json.series[0].points[0];
  ok('the curve shows what the limit is for when it is asked to', Math.abs(law?.[1] - 91.667) < 0.01, JSON.stringify(law));
  ok('110 at 3 % are 91.7: computed, and no alarm', converted?.[1] === 110 && (await alarms(25, 'exceed')).length === 0, JSON.stringify(converted));

  // effective dates: PM2.5 of 70 was within GB 3095-2012 (75) and is over GB 3095-2026 (60); here the one followed the other three weeks ago
  const dayAt = (ago) => Date.parse(`${stamp(Date.now() - ago * 24 * HOUR).replace(/^(....)(..)(..).*/, '$1-$2-$3')}T00:00:00+08:00`);
  const dayName = (ago) => new Date(dayAt(ago) + 8 * HOUR).toISOString().slice(0, 10);
  const pm = (await city.get(`/limit_value?station_id=${idOf(1)}&factor=a34004&limit=50`)).json.items.filter((x) => x.kind === 'day').sort((x, y) => x.high - y.high);
  const bound = (x, fields) => city.call('PATCH', `/limit_value/${x.id}`, { version: x.version, ...fields });
  const moved = [await bound(pm[1], { from_day: dayName(200), to_day: dayName(22) }), await bound(pm[0], { from_day: dayName(21) })].map((x) => x.status).join(' ');
  ok('a limit ends and the next begins', pm.length === 2 && pm[0].high === 60 && pm[1].high === 75 && moved === '200 200', JSON.stringify([pm, moved]));
  const day = (ago, v) => packet({ mn: mnOf(1), st: '22', cn: '2031', at: dayAt(ago), items: `a34004-Avg=${v},a34004-Flag=N` });
  await wire.send([day(30, 70), day(12, 70)]);
  a = await one(1, 'exceed', (x) => x.state === 'open');
  ok('the limit of the day counts', a?.limit_value === 60 && a.began_at.startsWith(dayName(12)), JSON.stringify(a));
  const dayWhy = (await city.get(`/alarm/${a.id}`)).json.explain;
  ok('and its day is named, without a time', dayWhy.startsWith(`${dayName(12)} 细微颗粒物 PM2.5日均值 70 `), dayWhy);

  // flags, constancy, an edited rule
  await wire.send([0, 1, 2].map((i) => real(8, now - 40e3 + i * 1000, 'a21026-Rtd=20,a21026-Flag=D')));
  ok('three fault flags of five are an alarm', Boolean(await one(8, 'faulty', (x) => x.state === 'open' && x.matter_id > 0)));
  await wire.send([3, 4, 5].map((i) => real(8, now - 40e3 + i * 1000, 'a21026-Rtd=20,a21026-Flag=N')));
  ok('three good ones end it', Boolean(await one(8, 'faulty', (x) => x.state === 'ended')));
  const rule = await city.post('/alarm_rule', { title: 'NOx 恒值（测试）', type: 'constant', station_kind: 'flue', factor: 'a21002', period: 'rtd', enabled: true, threshold: 0.01, on_n: 1, on_of: 5, off_n: 2, delay_minutes: 0, merge_minutes: 0, severity: 'yellow', policy: 'notice', escalate_minutes: 0, lasting_minutes: 0, close_n: 0 });
  ok('the city makes a rule', rule.status === 201, rule.text);
  ok('a county may not', (await county.post('/alarm_rule', { title: 'x' })).status === 403);
  await wire.send(Array.from({ length: 6 }, (_, i) => real(9, now - 100e3 + i * 10e3, 'a21002-Rtd=33.3,a21002-Flag=N')));
  a = await one(9, 'constant', (x) => x.state === 'open');
  ok('values that do not change are an alarm, without a matter by policy', a && !a.matter_id, JSON.stringify(a));
  await wire.send([real(9, now - 30e3, 'a21002-Rtd=33.4,a21002-Flag=N'), real(9, now - 29e3, 'a21002-Rtd=33.5,a21002-Flag=N')]);
  ok('when they change again it ends', Boolean(await one(9, 'constant', (x) => x.state === 'ended')));
  await wire.send(Array.from({ length: 6 }, (_, i) => real(10, now - 100e3 + i * 10e3, 'a21002-Rtd=44,a21002-Flag=N')));
  await one(10, 'constant', (x) => x.state === 'open');
  const edit = async (id, fields) => { const v = (await city.get(`/alarm_rule/${id}`)).json.version; return city.call('PATCH', `/alarm_rule/${id}`, { version: v, ...fields }); };
  ok('the rule is switched off', (await edit(rule.json.id, { enabled: false })).status === 200);
  await wire.send([real(10, now - 20e3, 'a21002-Rtd=44,a21002-Flag=N')]);
  a = await one(10, 'constant', (x) => x.state === 'ended');
  ok('what it had begun ends with it', Boolean(a) && /规则已停用/.test(JSON.stringify((await city.get(`/alarm/${a.id}/timeline`)).json)));
  const trail = (await city.get(`/alarm_rule/${rule.json.id}/timeline`)).json.items;
  ok('every change of a rule is in its time line', trail.length === 2 && trail[1].diff.some((d) => d.field === 'enabled'), JSON.stringify(trail));

  // reported maintenance
  const iso = (ms) => new Date(ms).toISOString();
  const report = (u, n, from, to) => u.post('/silence', { station_id: idOf(n), from_at: iso(from), to_at: iso(to), reason: '更换光源，运维单位' });
  const s1 = await report(city, 15, hour0 - HOUR, Date.now() + HOUR);
  ok('maintenance is reported; too long and too late are flagged', s1.status === 201 && s1.json.overlong && s1.json.late && !s1.json.overlapping, s1.text);
  ok('who reports does not approve', (await city.post(`/silence/${s1.json.id}/approve`, { version: 1 })).status === 403);
  ok('before it is approved it silences nothing', (await wire.send([flue(16, 0, 150)])) && Boolean(await one(16, 'exceed', (x) => !x.silenced && x.matter_id)));
  ok('another person approves', (await admin.post(`/silence/${s1.json.id}/approve`, { version: 1 })).status === 200);
  const s2 = await report(city, 15, Date.now() - MIN, Date.now() + HOUR);
  ok('an overlapping report is flagged', s2.status === 201 && s2.json.overlapping && !s2.json.overlong, s2.text);
  await wire.send([flue(15, 1, 150)]);
  a = await one(15, 'exceed', (x) => x.state === 'open');
  ok('an alarm inside is recorded, without a matter', a?.silenced === true && !a.matter_id, JSON.stringify(a));
  ok('the work ends early', (await admin.post(`/silence/${s1.json.id}/finish`, { version: 2 })).status === 200);
  a = await one(15, 'exceed', (x) => !x.silenced);
  ok('what goes on after the window becomes a matter', a?.matter_id > 0, JSON.stringify(a));

  // people
  a = await one(16, 'exceed', (x) => x.state === 'open');
  ok('an alarm is acknowledged with a note', (await city.post(`/alarm/${a.id}/ack`, { version: a.version })).status === 422 && (await city.post(`/alarm/${a.id}/ack`, { version: a.version, note: '已知悉' })).status === 200);
  ok('nobody ends it by hand', (await admin.post(`/alarm/${a.id}/end`, { version: a.version + 1 })).status === 403);
  ok('a person closes it with a reason', (await city.post(`/alarm/${a.id}/close`, { version: a.version + 1, note: '误报' })).status === 200);
  await wire.send([flue(16, 1, 155)]);
  const two = await until(async () => { const x = await alarms(16, 'exceed'); return x.length === 2 ? x : null; });
  ok('what goes on after that is a new alarm', two?.some((x) => x.state === 'open'), JSON.stringify(two));

  // silence on the wire
  const off = (await city.get('/alarm_rule?type=offline')).json.items[0];
  ok('nobody is offline yet', (await city.get('/alarm?type=offline')).json.total === 0);
  await edit(off.id, { threshold: 0.05, delay_minutes: 0 });
  await wire.send([real(17, now, 'a21026-Rtd=20,a21026-Flag=N')]);
  a = await one(17, 'offline', (x) => x.state === 'open');
  ok('a station that is silent is offline', a?.matter_id > 0, JSON.stringify(a));
  ok('silence and how much of it is allowed are counted in minutes', a.unit === 'min' && a.value >= a.limit_value && a.limit_value > 0 && a.limit_value < 1, JSON.stringify(a));
  await edit(off.id, { threshold: 3, delay_minutes: 15 });
  await wire.send([real(17, now + 1000, 'a21026-Rtd=21,a21026-Flag=N')]);
  ok('its next packet ends that', Boolean(await one(17, 'offline', (x) => x.state === 'ended')));

  // hours with too few minutes, and nobody who acknowledges: hours later
  const h = Math.floor(Date.now() / HOUR) * HOUR;
  await sleep(1500); /* the job has set its mark */
  await wire.send([0, 1, 2].map((i) => packet({ mn: mnOf(18), st: '31', cn: '2051', at: h + i * MIN, items: 'a21026-Avg=20,a21026-Flag=N' })));
  await wire.send([flue(18, 0, 170)]);
  ok('an alarm that nobody looks at', Boolean(await one(18, 'exceed', (x) => x.state === 'open')));
  await wire.send([real(17, now + 2000, 'a21026-Rtd=22,a21026-Flag=N')]); // begins and ends nothing
  ok('it stops', (await server.stop()) === 0);
  ok('an alarm of before units were kept', server.touch("UPDATE alarm SET unit = NULL WHERE type = 'exceed'"));
  ok('five hours later', await server.start({ LANFAN_TEST_CLOCK_S: String(5 * 3600) }));
  const again0 = /lanfan_alarm_rejudged_packets_total (\d+)/.exec(await (await fetch(server.base + '/metrics')).text());
  ok('what was judged before an orderly stop is not judged again', again0?.[1] === '0', again0?.[1]);
  await relogin();
  ok('has the unit of its limit after the next start', (await alarms(7, 'exceed')).every((x) => x.unit === 'mg/m³'));
  a = await one(18, 'missing', () => true);
  ok('the hour with three minutes of data is missing data', a?.limit_value === 45 && a.value <= 30 && a.unit === 'min', JSON.stringify(a));
  const told = await until(async () => { const x = (await city.get('/notices')).json.items.filter((i) => i.room === 'alarm' && /超期/.test(i.zh)); return x.length ? x : null; });
  ok('the level above is told of what nobody acknowledged', told?.length > 0);
  await server.stop();

  // killed between the acknowledgement and the judging: each exceedance has one alarm, none is lost
  await server.start();
  await relogin();
  const want = [19, 20, 21, 22, 11, 12, 13, 14];
  let rejudged = 0, rounds = 0;
  const waste = (n, d) => packet({ mn: mnOf(n), st: '32', cn: '2031', at: dayAt(60 - d), items: 'w01018-Avg=90,w01018-Flag=N;w21003-Avg=9,w21003-Flag=N' });
  while (rounds < 4 || (!rejudged && rounds < 24)) { // a fast machine may have judged before it is killed
    await again();
    const answered = new Promise((res) => { wire.heard = () => wire.answers.length === want.length && res(server.process.kill('SIGKILL')); });
    wire.socket.write(want.map((n) => waste(n, rounds)).join(''));
    rounds++;
    await answered;
    await server.stop('SIGKILL');
    ok('a killed server starts again', await server.start());
    const metric = /lanfan_alarm_rejudged_packets_total (\d+)/.exec(await (await fetch(server.base + '/metrics')).text());
    rejudged += Number(metric?.[1] ?? 0);
  }
  await relogin();
  ok('packets were judged from the store after it', rejudged > 0, rejudged);
  for (const n of want) {
    const all = (await alarms(n, 'exceed')).filter((x) => x.began_at < dayName(30));
    const counts = [];
    for (const x of all) counts.push((await city.get(`/alarm/${x.id}`)).json.count);
    ok(`station ${n}: two alarms, each of ${rounds} days, counted once`, all.length === 2 && counts.every((c) => c === rounds), JSON.stringify(counts));
  }

  // killed just after a person has closed: what was judged before that is over, what comes after it is judged
  const shut = [9, 10, 32, 33], seen = async () => Number(/lanfan_alarm_readings_judged_total (\d+)/.exec(await (await fetch(server.base + '/metrics')).text())[1]);
  const counted = async (n) => { const all = []; for (const x of await alarms(n, 'exceed')) all.push((await city.get(`/alarm/${x.id}`)).json); return all; };
  const close = async (n) => { const x = await one(n, 'exceed', (y) => y.state === 'open'), c = await city.post(`/alarm/${x.id}/close`, { version: x.version, note: '误报' }); return c.status; };
  const sums = (all) => all.map((x) => `${x.state} ${x.count}`).join();
  await again();
  await wire.send(shut.map((n) => flue(n, -900, 150)));
  for (const n of shut) await one(n, 'exceed', (x) => x.state === 'open');
  const seenBefore = await seen();
  await wire.send(shut.flatMap((n) => [1, 2, 3].map((i) => flue(n, -900 + i, 160))));
  await until(async () => await seen() >= seenBefore + 12);
  const closings = [];
  for (const n of shut) closings.push(await close(n));
  ok('people close what goes on', closings.every((c) => c === 200), closings);
  await server.stop('SIGKILL');
  ok('killed just after that it starts again', await server.start());
  await relogin();
  await again();
  for (const n of shut) {
    const all = sums(await counted(n));
    ok(`station ${n}: what was closed does not begin again, and has its count`, all === 'closed 4', all);
  }
  await wire.send([flue(shut[0], -896, 170)]);
  const later = await until(async () => { const all = sums(await counted(shut[0])); return all.includes('open') ? all : null; });
  ok('what comes after it is a new alarm', later === 'open 1,closed 4', later);
  let sent = 0, closed = 0;
  for (let round = 0; round < 4; round++) { // closed while readings come, killed when the last is acknowledged
    await again();
    const closer = (async () => { for (const n of shut) { await sleep(Math.random() * 60); if ((await alarms(n, 'exceed')).some((x) => x.state === 'open')) closed += (await close(n)) === 200; } })();
    for (let i = 0; i < 12; i++, sent++) await wire.send(shut.map((n) => flue(n, -800 + sent, 150)));
    await closer;
    await server.stop('SIGKILL');
    ok('killed among closings it starts again', await server.start());
    await relogin();
  }
  ok('there were closings', closed >= 8, closed);
  for (const [i, n] of shut.entries()) {
    const all = await counted(n), sum = all.reduce((k, x) => k + x.count, 0), expected = sent + (i ? 4 : 5);
    ok(`station ${n}: each reading is counted once, whoever closed in between`, sum === expected, `${sum} of ${expected}: ${sums(all)}`);
  }
  await again();
  await wire.send([flue(23, 0, 300)]);
  await one(23, 'exceed', () => true);
  const text = await (await fetch(server.base + '/metrics')).text();
  const sum = Number(/lanfan_alarm_latency_seconds_sum ([\d.]+)/.exec(text)[1]), n = Number(/lanfan_alarm_latency_seconds_count (\d+)/.exec(text)[1]);
  ok('the latency of alarms is measured', n > 0 && sum / n < 5, `${sum} / ${n}`);
  console.log(`# ${engine}: ${n} alarms, ${(sum / n * 1000).toFixed(0)} ms from arrival to commit on average`);
  const audit = server.run('audit', 'verify');
  ok('the audit trail is good', audit.status === 0, audit.stderr);
  ok('it stops cleanly', (await server.stop()) === 0);
}, () => server?.remove());
