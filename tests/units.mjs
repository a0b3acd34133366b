// One unit per channel, everywhere: what the device sends is converted once, and live values, series, CSV, limits and alarms agree.
// usage: node units.mjs LANFAN sqlite|postgres
import { Checks, Server, Station, packet, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`units on ${engine}`), ok = (...a) => t.ok(...a);
const HOUR = 3600e3, mnOf = (k) => `3703000000000000000000${String(k).padStart(2, '0')}`;
let s, city, dev;

const stationOf = async (k) => (await city.get(`/station?mn=${mnOf(k)}`)).json.items[0];
const at = Math.floor(Date.now() / HOUR) * HOUR - 2 * HOUR;
const hour = (k, st, items, when = at) => packet({ mn: mnOf(k), st, cn: '2061', at: when, items });

/** Unit and value of the factor as each place tells them. */
async function told(id, factor) {
  const from = new Date(at - HOUR).toISOString(), to = new Date(at + 3 * HOUR).toISOString();
  const live = (await city.get('/station/live')).json.items.find((i) => i.id === id).values.find((v) => v.factor === factor && v.kind === 'hour');
  const series = (await city.get(`/series?station=${id}&factor=${factor}&kind=hour&from=${from}&to=${to}`)).json.series[0];
  const csv = (await city.get(`/series.csv?station=${id}&factor=${factor}&kind=hour&from=${from}&to=${to}`)).text.trim().split(/\r?\n/);
  return { live, series, csv: csv[1] ?? '' };
}

async function airIsInMicrograms() {
  const air = await stationOf(1);
  ok('air: stored', await dev.send([hour(1, '22', 'a05024-Avg=231,a05024-Flag=N;a34004-Avg=88,a34004-Flag=N;a21005-Avg=1.2,a21005-Flag=N')]));
  const o3 = await told(air.id, 'a05024'), pm = await told(air.id, 'a34004'), co = await told(air.id, 'a21005');
  ok('ozone is µg/m³ now, in the series and in the file', o3.live.unit === 'µg/m³' && o3.series.unit === 'µg/m³' && o3.csv.includes('µg/m³') && o3.live.value === 231, JSON.stringify(o3));
  ok('so is PM2.5, whatever table B.2 says', pm.live.unit === 'µg/m³' && pm.series.unit === 'µg/m³' && pm.live.value === 88, JSON.stringify(pm.live));
  ok('carbon monoxide stays mg/m³', co.live.unit === 'mg/m³' && co.series.unit === 'mg/m³');
  const limits = (await city.get(`/limit_value?station_id=${air.id}&factor=a05024&limit=10`)).json.items;
  ok('the limit says its unit', limits.length > 0 && limits.every((l) => l.unit === 'µg/m³' && l.high === 200), JSON.stringify(limits[0]));
  const listed = await until(async () => (await city.get(`/alarm?station_id=${air.id}&factor=a05024`)).json.items[0]), alarm = (await city.get(`/alarm/${listed?.id}`)).json;
  ok('the alarm speaks of µg/m³ against the same limit', /231 µg\/m³（限值 200）/.test(alarm?.title) && /231 µg\/m³.*限值 200 µg\/m³/.test(alarm?.explain), JSON.stringify(alarm));
  const p = (await city.get(`/station/${air.id}/packets`)).json.items[0];
  const fields = JSON.stringify((await city.get(`/station/${air.id}/packets/${p.id}`)).json);
  ok('the packet shows what the device sends', fields.includes('µg/m³') && !fields.includes('ng/m³'));
}

async function aDeviceThatSendsAnother() {
  const air = await stationOf(2), make = (body) => city.post('/station_channel', { station_id: air.id, unit: 'usual', sent: 'usual', ...body });
  const c = await make({ factor: 'a05024', sent: 'mg_m3' });
  ok('a channel: sent in mg/m³, kept in µg/m³', c.status === 201, c.text);
  ok('stored', await dev.send([hour(2, '22', 'a05024-Avg=0.231,a05024-Min=0.2,a05024-Max=0.25,a05024-Flag=N')]));
  const o3 = await told(air.id, 'a05024');
  ok('it is converted once, where it comes in', o3.live.unit === 'µg/m³' && Math.abs(o3.live.value - 231) < 1e-9, JSON.stringify(o3.live));
  const alarm = await until(async () => (await city.get(`/alarm?station_id=${air.id}&factor=a05024`)).json.items[0]);
  ok('and judged by the limit in µg/m³', /231 µg\/m³/.test(alarm?.title), alarm?.title);
  const edit = await city.call('PATCH', `/station_channel/${c.json.id}`, { version: c.json.version, sent: 'usual' });
  ok('the device may change its unit', edit.status === 200 && await dev.send([hour(2, '22', 'a05024-Avg=77,a05024-Flag=N', at + HOUR)]), edit.text);
  ok('from then on nothing is converted', (await told(air.id, 'a05024')).live.value === 77);
  ok('a second channel of the same factor is refused', (await make({ factor: 'a05024' })).status === 409);
  ok('the unit of what has values cannot change', (await make({ factor: 'a34004', unit: 'mg_m3' })).status === 409);
  ok('mg/L is no unit of gas', (await make({ factor: 'a21003', unit: 'mg_l' })).status === 422);
  ok('an unknown factor is refused', (await make({ factor: 'nonsense' })).status === 422);
}

async function anotherUnitFromTheStart() {
  const flue = await stationOf(7);
  const c = await city.post('/station_channel', { station_id: flue.id, factor: 'a20057', unit: 'ug_m3', sent: 'mg_m3' });
  ok('mercury kept in µg/m³ while the device sends mg/m³', c.status === 201, c.text);
  const l = await city.post('/limit_value', { station_id: flue.id, factor: 'a20057', kind: 'hour', high: 30, from_day: '2015-01-01', basis: 'GB 13223-2011 表1' });
  ok('its limit is in µg/m³', l.status === 201 && l.json.unit === 'µg/m³', l.text);
  ok('stored', await dev.send([hour(7, '31', 'a20057-Avg=0.041,a20057-ZsAvg=0.05,a20057-Flag=N')]));
  const hg = await told(flue.id, 'a20057');
  ok('shown in µg/m³ everywhere', hg.live.unit === 'µg/m³' && Math.abs(hg.live.value - 41) < 1e-9 && hg.series.unit === 'µg/m³', JSON.stringify(hg.live));
  const alarm = await until(async () => (await city.get(`/alarm?station_id=${flue.id}&factor=a20057`)).json.items[0]);
  ok('and its converted mean passes the limit', /50 µg\/m³（限值 30）/.test(alarm?.title), alarm?.title);
  const water = await told((await stationOf(11)).id, 'w01018');
  ok('water stays as the table has it', water.series.unit === 'mg/L');
}

await t.run(async () => {
  s = await Server.make(lanfan, engine);
  ok('the demonstration city is filled', s.run('demo').status === 0);
  ok('the server starts', await s.start(), s.log);
  city = await s.user('city');
  dev = await new Station(s.stationPort).open();
  await airIsInMicrograms();
  await aDeviceThatSendsAnother();
  await anotherUnitFromTheStart();
  ok('after a new start the units are the same', (await s.stop()) === 0 && await s.start() && (city = await s.user('city')) && (await told((await stationOf(7)).id, 'a20057')).series.unit === 'µg/m³');
}, () => s.remove());
