// Commands to stations: a scripted device that answers, loses replies, refuses, is away; and a server that dies in the middle.
// usage: node command.mjs LANFAN sqlite|postgres
import { Checks, Server, Station, frame, packet, stamp, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`command ${engine}`);
let server;

/** Of 14 digits of China's time. */
const msOf = (s) => Date.parse(`${s.slice(0, 4)}-${s.slice(4, 6)}-${s.slice(6, 8)}T${s.slice(8, 10)}:${s.slice(10, 12)}:${s.slice(12)}+08:00`);
const part = (text, name) => new RegExp(`(?:^|[;&])${name}=([^;&]*)`).exec(text)?.[1];

/** A device: `script` is called with each command { qn, cn, cp, text } and answers with this.ack and the like. */
class Device {
  constructor(mn, { pw = '123456', st = '32' } = {}) { Object.assign(this, { mn, pw, st, got: [], script: () => {} }); }
  async connect(port) {
    this.line = await new Station(port).open();
    this.line.heard = (f) => {
      const text = f.slice(6, -4), cmd = { qn: part(text, 'QN'), cn: part(text, 'CN'), pw: part(text, 'PW'), cp: /CP=&&(.*)&&/.exec(text)?.[1], text };
      if (cmd.cn?.startsWith('9')) return;
      this.got.push(cmd);
      this.script(cmd);
    };
    await this.line.send([packet({ mn: this.mn, pw: this.pw, st: this.st, items: 'w01018-Rtd=10.0,w01018-Flag=N' })]);
    return this;
  }
  say(segment) { this.line.socket.write(frame(segment)); }
  head(qn, cn, st = '91', flag = 4) { return `QN=${qn};ST=${st};CN=${cn};PW=${this.pw};MN=${this.mn};Flag=${flag};`; }
  ack(qn, rtn = 1) { this.say(`${this.head(qn, '9011')}CP=&&QnRtn=${rtn}&&`); }
  done(qn, rtn = 1) { this.say(`${this.head(qn, '9012')}CP=&&ExeRtn=${rtn}&&`); }
  notice(qn) { this.say(`${this.head(qn, '9013')}CP=&&&&`); }
  answer(cmd, cp) { this.say(`${this.head(cmd.qn, cmd.cn, this.st)}CP=&&${cp}&&`); }
  /** One hour of history, with a QN of its own, as the standard has it. */
  hour(at, cod, cn = '2061') { this.line.socket.write(packet({ mn: this.mn, pw: this.pw, st: this.st, cn, at, items: `w01018-Avg=${cod},w01018-Flag=N` })); }
  times(cn) { return this.got.filter((c) => c.cn === cn); }
  close() { this.line.close(); }
}

await t.run(async () => {
  server = await Server.make(lanfan, engine);
  t.ok('the demonstration city is filled', server.run('demo').status === 0);
  t.ok('the server starts', await server.start());
  let city, county, county2, town, officer;
  const login = async () => { [city, county, county2, town, officer] = await Promise.all(['city', 'county', 'county2', 'town', 'officer'].map((n) => server.user(n))); };
  await login();
  const stations = (await city.get('/station?limit=200&kind=wastewater')).json.items;
  const own = stations.find((s) => s.grid_code.startsWith(county.me.grid_code)), foreign = stations.find((s) => !s.grid_code.startsWith(county.me.grid_code));
  const settings = async (s, set) => { const now = (await city.get(`/station/${s.id}`)).json; return city.call('PATCH', `/station/${s.id}`, { version: now.version, ...set }); };
  // Patient where an answer comes, so that a slow machine is no silent device; a second where silence itself is looked at.
  const patient = () => settings(own, { over_time: 15, re_count: 2 }), hasty = (s = 1) => settings(own, { over_time: s, re_count: 2 });
  t.ok('time-outs are a station\'s own', (await patient()).status === 200);
  const give = (u, kind, more = {}, s = own) => u.post('/command', { station_id: s.id, kind, ...more });
  const read = async (c) => (await city.get(`/command/${c.id}`)).json;
  const ends = (c, ...states) => until(async () => { const now = await read(c); return states.includes(now.state) && now; }, 30000);
  const talk = async (c) => (await city.get(`/command/${c.id}/packets`)).json.items;

  // what is asked is looked at before it is sent
  const bad = async (what, u, status, kind, more, s) => { const r = await give(u, kind, more, s); t.ok(what, r.status === status && r.json.detail, `${r.status} ${r.text}`); };
  const now = Date.now(), iso = (ms) => new Date(ms).toISOString();
  await bad('an interval below the standard is refused', city, 422, '1062', { rtd_interval: 10 });
  await bad('a minute interval that does not divide the hour is refused', city, 422, '1064', { min_interval: 7 });
  await bad('a missing argument is refused', city, 422, '1062', {});
  await bad('an argument of another command is refused', city, 422, '1011', { rtd_interval: 30 });
  await bad('history that ends before it begins is refused', city, 422, '2061', { begin_at: iso(now - 3600e3), end_at: iso(now - 7200e3) });
  await bad('history of the future is refused', city, 422, '2061', { begin_at: iso(now + 3600e3), end_at: iso(now + 7200e3) });
  await bad('a password of five letters is refused', city, 422, '1072', { new_pw: 'abc12' });
  await bad('a command of 2025 is no command for a device of 2017', city, 422, '3024', { pol_id: 'w01018' });
  await bad('a county may not set', county, 403, '1062', { rtd_interval: 60 });
  await bad('a county may not calibrate', county, 403, '3011', { pol_id: 'w01018' });
  await bad('a township may give none', town, 403, '1011');
  t.ok('an officer sees none', (await officer.get('/command')).status === 403);
  t.ok('another area\'s station is out of reach', [403, 404, 422].includes((await give(county, '1011', {}, foreign)).status));

  // nobody is there: it waits, and can be taken back
  const early = (await give(city, '1012')).json, second = (await give(county, '1061')).json;
  t.ok('it waits for a station that is away', early.state === 'queued' && second.state === 'queued', JSON.stringify(early));
  const withdrawn = (await give(city, '1063')).json;
  t.ok('a county may not take back what it may not give', (await county.post(`/command/${(await give(city, '1062', { rtd_interval: 60 })).json.id}/cancel`, { version: 1 })).status === 403);
  t.ok('who waits can be taken back', (await city.post(`/command/${withdrawn.id}/cancel`, { version: withdrawn.version })).json.state === 'cancelled');
  const soon = (await give(city, '1063', { expires_at: iso(Date.now() + 5000) })).json;
  const expired = await ends(soon, 'expired');
  t.ok('it expires when nobody comes', expired && expired.outcome && !expired.sent_at, JSON.stringify(expired));

  // it connects: in order, one at a time
  const device = new Device(own.mn);
  const open = [];
  device.script = (c) => {
    open.push(c.qn);
    t.ok(`one at a time (${c.cn})`, open.length === 1, open.join());
    device.ack(c.qn);
    setTimeout(() => { if (c.cn === '1061') device.answer(c, 'RtdInterval=30'); open.pop(); device.done(c.qn); }, 100);
  };
  await device.connect(server.stationPort);
  let c = await ends(early, 'done', 'failed', 'silent');
  t.ok('the clock is set', c.state === 'done' && c.tries === 1 && c.qn_rtn === 1 && c.exe_rtn === 1 && c.confirmed_at && c.ended_at, JSON.stringify(c));
  t.ok('to the present time', /^SystemTime=\d{14}$/.test(device.got[0].cp) && Math.abs(msOf(device.got[0].cp.slice(-14)) - Date.now()) < 120e3, device.got[0].text);
  c = await ends(second, 'done', 'failed', 'silent');
  t.ok('what it answers is kept', c.state === 'done' && c.answer === 'RtdInterval=30' && c.packets === 1, JSON.stringify(c));
  t.ok('in the order they were given', device.got.map((x) => x.cn).slice(0, 2).join() === '1012,1061', device.got.map((x) => x.cn).join());
  t.ok('what was taken back was not sent', await until(() => device.times('1062').length === 1) && device.times('1063').length === 0);
  const said = await talk(second);
  t.ok('every packet of the dialogue is shown', said.map((p) => p.direction).join() === 'out,in,in,in' && said[0].raw.includes('CN=1061') && said[1].raw.includes('QnRtn=1') && said[3].raw.includes('ExeRtn=1'), JSON.stringify(said));
  t.ok('passwords are not', said.every((p) => !p.raw.includes('123456') && p.raw.includes('PW=******')));
  t.ok('the county sees its command, another county does not', (await county.get(`/command/${second.id}/packets`)).status === 200 && (await county2.get(`/command/${second.id}/packets`)).status === 404);
  const line = (await city.get(`/command/${second.id}/timeline`)).json.items.map((x) => x.verb).join();
  t.ok('every step is in the audit trail', line.startsWith('create,send,') && line.endsWith('finish'), line);

  // replies that are lost, wrong, or say no
  let lost = 1;
  await hasty(4);
  device.script = (x) => { if (lost-- > 0) return; device.ack(x.qn); device.answer(x, 'MinInterval=10'); device.done(x.qn); };
  c = await ends((await give(city, '1063')).json, 'done', 'failed', 'silent');
  t.ok('a lost request is sent again under the same QN', c.state === 'done' && c.tries === 2 && device.times('1063').length === 2 && device.times('1063')[0].qn === device.times('1063')[1].qn, JSON.stringify(c));
  device.script = () => {};
  await hasty();
  c = await ends((await give(city, '1011')).json, 'done', 'failed', 'silent');
  t.ok('a device that never answers is asked three times', c.state === 'silent' && c.tries === 3 && device.times('1011').length === 3, JSON.stringify(c));
  t.ok('who gave it is told', (await city.get('/notices?unread=1')).json.items.some((n) => n.room === 'command' && n.row_id === c.id));
  await patient();
  device.script = (x) => { device.ack('20200101000000000', 2); device.done('20200101000000000'); device.ack(x.qn); device.done(x.qn); };
  c = await ends((await give(city, '1062', { rtd_interval: 90 })).json, 'done', 'failed', 'silent');
  t.ok('a reply to something else ends nothing', c.state === 'done' && device.times('1062').at(-1).cp === 'RtdInterval=90', JSON.stringify(c));
  device.script = (x) => device.ack(x.qn, 2);
  c = await ends((await give(city, '3011', { pol_id: 'w01018' })).json, 'done', 'failed', 'silent');
  t.ok('a refusal says why', c.state === 'failed' && c.qn_rtn === 2 && /拒绝|[Rr]eject/.test(c.outcome) && c.tries === 1, JSON.stringify(c));
  device.script = (x) => { device.ack(x.qn); device.done(x.qn, 5); };
  c = await ends((await give(city, '3012', { pol_id: 'w01018' })).json, 'done', 'failed', 'silent');
  t.ok('so does a failure', c.state === 'failed' && c.exe_rtn === 5 && /忙|busy/.test(c.outcome), JSON.stringify(c));
  device.script = (x) => device.ack(x.qn);
  await hasty();
  c = await ends((await give(city, '1064', { min_interval: 5 })).json, 'done', 'failed', 'silent');
  t.ok('accepted and then nothing is a failure, not asked again', c.state === 'failed' && !c.exe_rtn && device.times('1064').length === 1, JSON.stringify(c));
  await patient();
  device.script = (x) => device.notice(x.qn);
  c = await ends((await give(city, '2012')).json, 'done', 'failed', 'silent');
  t.ok('a notice ends with 9013', c.state === 'done', JSON.stringify(c));
  device.script = (x) => { device.ack(x.qn); device.done(x.qn); };
  c = await ends((await give(city, '1000', { over_time: 2, re_count: 1 })).json, 'done', 'failed', 'silent');
  const learned = (await city.get(`/station/${own.id}`)).json;
  t.ok('the device\'s time-outs become the station\'s', c.state === 'done' && learned.over_time === 2 && learned.re_count === 1, JSON.stringify(learned));
  await patient();

  // history, twice
  const h0 = Math.floor(now / 3600e3) * 3600e3 - 30 * 3600e3, span = { begin_at: iso(h0), end_at: iso(h0 + 4 * 3600e3) };
  device.script = (x) => { device.ack(x.qn); for (let i = 0; i < 5; i++) device.hour(h0 + i * 3600e3, 40 + i); setTimeout(() => device.done(x.qn), 300); };
  const points = async () => (await city.get(`/series?station=${own.id}&factor=w01018&kind=hour&from=${iso(h0)}&to=${iso(h0 + 5 * 3600e3)}`)).json.series[0]?.points ?? [];
  c = await ends((await give(city, '2061', span)).json, 'done', 'failed', 'silent');
  t.ok('history comes', c.state === 'done' && c.packets === 5 && device.times('2061')[0].cp === `BeginTime=${stamp(h0)};EndTime=${stamp(h0 + 4 * 3600e3)}`, JSON.stringify(c));
  t.ok('into the store', (await points()).map((p) => p[1]).join() === '40,41,42,43,44', JSON.stringify(await points()));
  t.ok('with its packets as evidence', (await talk(c)).filter((p) => p.direction === 'in' && p.raw.includes('CN=2061')).length === 5);
  c = await ends((await give(county, '2061', span)).json, 'done', 'failed', 'silent');
  t.ok('fetched twice it is there once', c.state === 'done' && (await points()).length === 5);
  device.script = (x) => { device.ack(x.qn); device.done(x.qn, 100); };
  c = await ends((await give(city, '2051', span)).json, 'done', 'failed', 'silent');
  t.ok('no data is said', c.state === 'failed' && c.exe_rtn === 100 && /没有数据|No data/.test(c.outcome), JSON.stringify(c));

  // the password: in force when the device says so
  const reveal = async () => (await city.post(`/station/${own.id}/reveal`, { note: '核对' })).json.pw;
  device.script = (x) => device.ack(x.qn, 2);
  c = (await give(city, '1072', { new_pw: 'Abc123' })).json;
  t.ok('a new password is sealed', c.new_pw === null && c.new_pw_sealed === true, JSON.stringify(c));
  c = await ends(c, 'done', 'failed', 'silent');
  t.ok('refused: the old one stays', c.state === 'failed' && (await reveal()) === '123456', JSON.stringify(c));
  device.script = (x) => { device.ack(x.qn); device.pw = 'Abc123'; device.done(x.qn); };
  c = await ends((await give(city, '1072', { new_pw: 'Abc123' })).json, 'done', 'failed', 'silent');
  t.ok('confirmed, already under the new one: it changes', c.state === 'done' && (await reveal()) === 'Abc123', `${JSON.stringify(c)} ${await reveal()}`);
  t.ok('the command does not keep it', c.new_pw_sealed !== true && !JSON.stringify(await talk(c)).includes('Abc123') && device.times('1072').at(-1).cp === 'NewPW=Abc123');
  t.ok('data under the new password is taken', await device.line.send([packet({ mn: own.mn, pw: 'Abc123', items: 'w01018-Rtd=11,w01018-Flag=N' })]));
  t.ok('data under the old one is not', !(await device.line.send([packet({ mn: own.mn, pw: '123456', items: 'w01018-Rtd=12,w01018-Flag=N' })], 1500)));

  await hasty();
  device.script = (x) => { device.pw = 'Xyz789'; }; // it takes it, and every reply is lost
  c = await ends((await give(city, '1072', { new_pw: 'Xyz789' })).json, 'done', 'failed', 'silent');
  t.ok('silence changes nothing', c.state === 'silent' && (await reveal()) === 'Abc123', JSON.stringify(c));
  t.ok('both are taken meanwhile', await device.line.send([packet({ mn: own.mn, pw: 'Abc123', items: 'w01018-Rtd=13,w01018-Flag=N' }), packet({ mn: own.mn, pw: 'Xyz789', items: 'w01018-Rtd=14,w01018-Flag=N' })]));
  await patient();
  device.script = (x) => { device.ack(x.qn, x.pw === 'Xyz789' ? 1 : 3); device.done(x.qn); };
  c = await ends((await give(city, '1012')).json, 'done', 'failed', 'silent');
  t.ok('the one that the device uses counts', c.state === 'done' && (await reveal()) === 'Xyz789', JSON.stringify(c));

  // the server dies in the middle
  device.script = () => {};
  const unanswered = (await give(city, '1061')).json;
  t.ok('it is sent', await ends(unanswered, 'sent'));
  const behind = (await give(city, '1063')).json;
  await until(() => device.got.at(-1).cn === '1061');
  const before = device.got.at(-1).qn;
  await server.stop('SIGKILL');
  device.close();
  t.ok('the server starts again', await server.start());
  await login();
  device.script = (x) => { device.ack(x.qn); device.answer(x, x.cn === '1061' ? 'RtdInterval=90' : 'MinInterval=10'); device.done(x.qn); };
  device.got.length = 0;
  await device.connect(server.stationPort);
  c = await ends(unanswered, 'done', 'failed', 'silent');
  t.ok('what had no answer is asked again, as the same', c.state === 'done' && device.got[0].qn === before && c.answer === 'RtdInterval=90', JSON.stringify(c));
  t.ok('what waited behind it follows', (await ends(behind, 'done', 'failed', 'silent')).state === 'done');
  device.script = (x) => device.ack(x.qn);
  const accepted = (await give(city, '3012', { pol_id: 'w01018' })).json;
  t.ok('the device begins to sample', await ends(accepted, 'confirmed'));
  await server.stop('SIGKILL');
  device.close();
  t.ok('the server starts again', await server.start());
  await login();
  device.got.length = 0;
  await device.connect(server.stationPort);
  t.ok('what was accepted is waited for', (await read(accepted)).state === 'confirmed');
  device.done((await read(accepted)).qn);
  t.ok('and not asked twice', (await ends(accepted, 'done', 'failed', 'silent')).state === 'done' && device.times('3012').length === 0);
  // it dies between the question's acceptance and the answer, which comes as soon as the device is back
  const dies = async (kind, more, answers) => {
    device.script = (x) => device.ack(x.qn);
    const asked = (await give(city, kind, more)).json;
    t.ok(`${kind} is accepted`, await ends(asked, 'confirmed'));
    const cmd = device.times(kind).at(-1);
    await server.stop('SIGKILL');
    device.close();
    t.ok('the server starts again', await server.start());
    await login();
    device.got.length = 0;
    await device.connect(server.stationPort);
    answers(cmd);
    device.done(cmd.qn);
    return ends(asked, 'done', 'failed', 'silent');
  };
  c = await dies('1061', {}, (x) => device.answer(x, 'RtdInterval=45'));
  t.ok('an answer after a restart is kept', c.state === 'done' && c.answer === 'RtdInterval=45' && c.packets === 1 && device.got.length === 0, JSON.stringify(c));
  t.ok('with its packet', (await talk(c)).some((p) => p.direction === 'in' && p.raw.includes('RtdInterval=45')), JSON.stringify(await talk(c)));
  c = await dies('2061', span, () => { for (let i = 0; i < 5; i++) device.hour(h0 + i * 3600e3, 50 + i); });
  t.ok('so is history', c.state === 'done' && c.packets === 5 && (await talk(c)).filter((p) => p.direction === 'in' && p.raw.includes('CN=2061')).length === 5, JSON.stringify(c));
  // cancelled while it is on its way
  device.script = () => {};
  const going = (await give(city, '1011')).json;
  c = await ends(going, 'sent');
  t.ok('one on its way can be cancelled', (await city.post(`/command/${going.id}/cancel`, { version: c.version })).json.state === 'cancelled');
  device.script = (x) => { device.ack(x.qn); device.answer(x, 'MinInterval=10'); device.done(x.qn); };
  t.ok('and the next goes out', (await ends((await give(city, '1063')).json, 'done', 'failed', 'silent')).state === 'done');
  t.ok('a late answer changes nothing', (device.ack(part(device.times('1011')[0].text, 'QN')), await read(going)).state === 'cancelled');
  const audit = server.run('audit', 'verify');
  t.ok('the audit trail is good', audit.status === 0, audit.stderr);
  t.ok('metrics count what is open', /lanfan_commands_open \d+/.test(await (await fetch(server.base + '/metrics')).text()));
  t.ok('it stops cleanly', (await server.stop()) === 0);
}, () => server?.remove());
