// The packet browser: stored, refused and quarantined packets field by field, what is pasted, and stations made from quarantine.
// usage: node packets.mjs LANFAN sqlite|postgres
import { Checks, Server, Station, crc, frame, packet, stamp, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`packets ${engine}`);
let server;

await t.run(async () => {
  server = await Server.make(lanfan, engine);
  t.ok('the demonstration city is filled', server.run('demo').status === 0);
  t.ok('the server starts', await server.start());
  const [city, county, county2, town] = await Promise.all(['city', 'county', 'county2', 'town'].map((n) => server.user(n)));
  const stations = (await city.get('/station?limit=200&kind=wastewater')).json.items;
  const own = stations.find((s) => s.grid_code.startsWith(county.me.grid_code)), now = Date.now(), iso = (ms) => new Date(ms).toISOString();
  const line = await new Station(server.stationPort).open();

  // a good one
  t.ok('a packet is taken', await line.send([packet({ mn: own.mn, items: 'w01018-Rtd=12.5,w01018-Flag=N;w01018-td=3;x9-Rtd=--' })]));
  const list = async (q = '') => (await city.get(`/station/${own.id}/packets?${q}`)).json.items;
  const [p] = await until(async () => { const l = await list(); return l.length && l; });
  const d = (await city.get(`/station/${own.id}/packets/${p.id}`)).json.decoded;
  const part = (x, name) => x.parts.find((y) => y.name === name), field = (x, code, stat) => x.fields.find((y) => y.code === code && y.stat === stat);
  t.ok('it is good', d.verdict === 'good' && d.crc.ok && d.crc.given === d.crc.computed && d.length.ok && d.length.actual === Number(d.length.given) && d.version === 2017, JSON.stringify(d));
  t.ok('each part has its place and meaning', part(d, 'QN').offset === 6 && part(d, 'QN').length === 20 && part(d, 'CN').value === '2011' && /实时/.test(part(d, 'CN').means_zh) && part(d, 'MN').en && /2017/.test(part(d, 'Flag').means_en), JSON.stringify(d.parts));
  const cod = field(d, 'w01018', 'Rtd');
  t.ok('a value has factor, unit and place', cod.zh === '化学需氧量' && cod.unit === 'mg/L' && cod.value === '12.5' && d.raw.slice(cod.offset, cod.offset + cod.length) === 'w01018-Rtd=12.5', JSON.stringify(cod));
  t.ok('a flag says what it means', /正常/.test(field(d, 'w01018', 'Flag').means_zh));
  t.ok('what does not count is noted', field(d, 'w01018', 'td').note_zh && field(d, 'x9', 'Rtd').note_zh, JSON.stringify(d.fields));
  t.ok('the password is starred out', !JSON.stringify(d).includes('123456') && part(d, 'PW').value === '******' && p.raw.includes('PW=******'));
  t.ok('another county does not see it', (await county2.get(`/station/${own.id}/packets/${p.id}`)).status === 404);
  await line.send([packet({ mn: own.mn, cn: '2061', at: now - 7200e3, items: 'w01018-Avg=1,w01018-Flag=N' })]);
  t.ok('by command', await until(async () => (await list('cn=2061')).every((x) => x.cn === '2061') && (await list('cn=2061')).length > 0) && !(await list('cn=2011')).some((x) => x.cn === '2061'));
  t.ok('by time', (await list(`from=${iso(now - 1000)}`)).length >= 2 && (await list(`to=${iso(now - 1000)}&from=${iso(now - 2000)}`)).length === 0);
  t.ok('only where something was noted', (await list('noted=1')).every((x) => x.note));

  // refused, each for its reason
  const bad = packet({ mn: own.mn, items: 'w01018-Rtd=1,w01018-Flag=N' });
  const spoiled = bad.replace(/w01018-Rtd=1,/, 'w01018-Rtd=7,'), wrong = packet({ mn: own.mn, pw: '999999', items: 'w01018-Rtd=1,w01018-Flag=N' });
  line.socket.write(spoiled + wrong);
  const refused = async (u, q = '') => (await u.get(`/packets/refused?${q}`)).json.items;
  const seen = await until(async () => { const l = await refused(county, `station=${own.id}`); return l.length >= 1 && (await refused(county, 'reason=crc')).length + (await refused(city, 'reason=crc')).length && l; });
  t.ok('a wrong password is refused, with its clause', seen?.[0].reason === 'password' && /表 3/.test(seen[0].clause) && seen[0].reason_zh && seen[0].reason_en && seen[0].station_id === own.id, JSON.stringify(seen));
  t.ok('which password it was is not shown', !JSON.stringify(seen).includes('999999'));
  t.ok('another county does not see it', (await refused(county2, 'reason=password')).length === 0 && (await county2.get(`/packets/refused?station=${own.id}`)).status === 404);
  const broken = (await refused(city, 'reason=crc'))[0], looked = (await city.get(`/packets/refused/${broken.id}`)).json;
  t.ok('a spoiled one shows both checksums', looked.decoded.reason === 'crc' && !looked.decoded.crc.ok && looked.decoded.crc.computed === crc(spoiled.slice(6, -6)) && /附录 A/.test(looked.decoded.clause) && looked.decoded.tolerances.length === 0, JSON.stringify(looked));
  t.ok('and is read all the same', field(looked.decoded, 'w01018', 'Rtd').value === '7');
  t.ok('what is nobody\'s is for who keeps the quarantine', (await county.get(`/packets/refused/${broken.id}`)).status === 404);
  t.ok('by time', (await refused(city, `to=${iso(now - 60e3)}&reason=password`)).length === 0);
  t.ok('a time that is none is refused', (await city.get('/packets/refused?from=gestern')).status === 422);

  // pasted
  const decode = async (u, text) => u.post('/packets/decode', { text });
  const modbus = '##0077QN=20170516010101001;ST=22;CN=2011;PW=123456;MN=ABCDEFG1234567;Flag=3;CP=&&&&30A5';
  const many = await decode(town, `2026-01-01 recv: ${bad.trim()}\nnoise\n${modbus}\n${frame('QN=20160801085857223;ST=91;CN=9012;PW=123456;MN=A1;Flag=4;CP=&&ExeRtn=100&&')}`);
  const kinds = many.json.items.map((x) => x.reason ?? 'good').join();
  t.ok('a log is cut into its frames', many.status === 200 && kinds.replace(/noise,?/g, '') === 'good,crc,good', kinds);
  const m = many.json.items.find((x) => x.reason === 'crc');
  t.ok('it says which tolerance would take it', m.tolerances.join() === 'crc_modbus' && m.crc.modbus === '30A5', JSON.stringify(m));
  t.ok('return codes are explained', /没有数据/.test(many.json.items.at(-1).fields[0].means_zh));
  t.ok('nothing pasted is refused', (await decode(city, '')).status === 422);
  t.ok('too much pasted is refused', (await decode(city, '#'.repeat(70000))).status === 413);
  t.ok('rubbish does no harm', (await decode(city, '##' + '\u0001&&;;==//'.repeat(50) + '##99999##')).status === 200);
  const gbk = Buffer.concat([Buffer.from('QN=20160801085857223;ST=32;CN=3020;PW=123456;MN='), Buffer.from(own.mn), Buffer.from(';Flag=5;CP=&&DataTime='), Buffer.from(stamp(Date.now())), Buffer.from(';PolId=w01018;i11001-Info=//'), Buffer.from([0xc7, 0xe5, 0xcf, 0xb4]), Buffer.from('//&&')]);
  let reg = 0xffff;
  for (const b of gbk) { reg = (reg >> 8) ^ b; for (let i = 0; i < 8; i++) reg = reg & 1 ? (reg >> 1) ^ 0xa001 : reg >> 1; }
  line.socket.write(Buffer.concat([Buffer.from(`##${String(gbk.length).padStart(4, '0')}`), gbk, Buffer.from(reg.toString(16).toUpperCase().padStart(4, '0') + '\r\n')]));
  const log = await until(async () => (await list('cn=3020'))[0]);
  t.ok('a log in GBK can be read', (await city.get(`/station/${own.id}/packets/${log.id}`)).json.decoded.fields.some((x) => x.value.includes('清洗')));
  //REGISTER

  // nobody's: held, and taken in when somebody makes it a station
  const mn = 'NEWSTATION000001', cods = [21, 22, 23, 24, 25];
  const held = cods.map((v, i) => packet({ mn, pw: 'secret', at: now - 3600e3 + i * 60e3, cn: '2051', items: `w01018-Avg=${v},w01018-Flag=N` }));
  line.socket.write(held.join('') + packet({ mn, pw: 'others', at: now - 1800e3, cn: '2051', items: 'w01018-Avg=99,w01018-Flag=N' }));
  const quarantine = async (u, q = `mn=${mn}`) => (await u.get(`/packets/quarantine?${q}`)).json.items;
  const q = await until(async () => { const l = await quarantine(city); return l.length === 6 && l; });
  t.ok('an unknown station is held, not stored', q?.every((x) => x.reason === 'unknown_mn' && x.station_id === null) && !line.answers.some((a) => a.includes(mn)), JSON.stringify(q));
  t.ok('only who keeps the quarantine sees it', (await quarantine(county)).length === 0 && (await county.get(`/packets/quarantine/${q[0].id}`)).status === 404);
  const fields = { name: '新建排口', kind: 'wastewater', lon: own.lon, lat: own.lat };
  const register = (u, id, more = fields) => u.post(`/packets/quarantine/${id}/register`, more);
  t.ok('a township may not register', (await register(town, q[5].id)).status === 403);
  t.ok('a name is needed', (await register(city, q[5].id, { ...fields, name: '' })).status === 422);
  const made = await register(city, q[5].id);
  t.ok('one call makes the station', made.status === 201 && made.json.mn === mn, made.text);
  const id = made.json.station_id;
  const points = async () => (await city.get(`/series?station=${id}&factor=w01018&kind=min&from=${iso(now - 7200e3)}&to=${iso(now)}`)).json.series[0]?.points.map((x) => x[1]) ?? [];
  t.ok('what was held and fits is in the store', await until(async () => (await points()).join() === cods.join()), (await points()).join());
  t.ok('each with its packet', (await city.get(`/station/${id}/packets`)).json.items.filter((x) => x.note === 'quarantine').length === 5);
  const line1 = await until(async () => (await city.get(`/station/${id}/timeline`)).json.items.find((x) => x.verb === 'readmit'));
  t.ok('it is in the audit trail, with what did not fit', /5 个已接收，1 个/.test(line1?.note), JSON.stringify(line1));
  t.ok('asked again it is the same station', (await register(city, q[4].id)).json.station_id === id);
  t.ok('and so is taking in', (await city.post(`/station/${id}/readmit`)).status === 202 && await until(async () => (await city.get(`/station/${id}/timeline`)).json.items.filter((x) => x.verb === 'readmit').length >= 2) && (await points()).length === 5 && (await city.get(`/station/${id}/packets`)).json.items.length === 5);
  t.ok('the station speaks from now on, without a restart', await line.send([packet({ mn, pw: 'secret', items: 'w01018-Rtd=30,w01018-Flag=N' })]));
  const record = (await city.get(`/station/${id}`)).json;
  t.ok('its password is sealed', record.pw === null && record.pw_sealed);
  t.ok('a new password is given', (await city.call('PATCH', `/station/${id}`, { version: record.version, pw: 'newone' })).status === 200);
  t.ok('and is in force at once', await line.send([packet({ mn, pw: 'newone', items: 'w01018-Rtd=31,w01018-Flag=N' })]) && !(await line.send([packet({ mn, pw: 'secret', items: 'w01018-Rtd=32,w01018-Flag=N' })], 1000)));
  line.close();
  t.ok('it stops cleanly', (await server.stop()) === 0);
}, () => server?.remove());
