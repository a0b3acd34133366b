// Emissions of a flue by hour and day, with what stands in for hours that were not measured. The server lives in the first days of a
// quarter, so that a quarter's capture rate is one of few hours.
// usage: node emission.mjs LANFAN sqlite|postgres
import { Checks, Server, Station, packet, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`emission ${engine}`);
let server;
await t.run(async () => {
  const china = new Date(Date.now() + 8 * 3600e3), quarter = Date.UTC(china.getUTCFullYear(), Math.floor(china.getUTCMonth() / 3) * 3 + 3, 1) - 8 * 3600e3;
  const now = quarter + 50 * 3600e3 + 600e3, shift = Math.round((now - Date.now()) / 1000); // 50 hours into the next quarter
  server = await Server.make(lanfan, engine);
  t.ok('the demonstration city is filled', server.run('demo').status === 0);
  t.ok('the server starts', await server.start({ LANFAN_TEST_CLOCK_S: String(shift) }));
  const city = await server.user('city'), other = await server.user('county2');
  const flues = (await city.get('/station?limit=200&kind=flue')).json.items, flue = flues.find((s) => !s.grid_code.startsWith(other.me.grid_code));
  const line = await new Station(server.stationPort).open();
  // 10 m³/s; SO2 100 mg/m³ is 3.6 kg/h; hour 20 is 200 mg/m³; hours 30 and 31 are a fault; hours 40 to 42 the source stands still; hour 45 is lost
  const flag = (i) => (i === 30 || i === 31 ? 'D' : i >= 40 && i < 43 ? 'F' : 'N');
  const frames = Array.from({ length: 50 }, (_, i) => i).filter((i) => i !== 45).map((i) => packet({ mn: flue.mn, st: '31', cn: '2061', at: quarter + i * 3600e3, items: `a21026-Avg=${i === 20 ? 200 : 100},a21026-Flag=${flag(i)};a00000-Avg=10,a00000-Flag=${flag(i)}` }));
  t.ok('two days of hours are acknowledged', await line.send(frames));
  line.close();
  const day = (ms) => new Date(ms + 8 * 3600e3).toISOString().slice(0, 10);
  const ask = async (u = city, s = flue) => u.get(`/station/${s.id}/emission?from=${day(quarter)}&to=${day(quarter + 49 * 3600e3)}`);
  const so2 = async () => (await ask()).json.pollutants.find((p) => p.factor === 'a21026');
  const p = await until(async () => { const x = await so2(); return x.valid_hours === 44 && x; }, 60000, 500), near = (a, b) => Math.abs(a - b) < 1e-6;
  t.ok('measured hours are added up', p && near(p.measured_kg, 43 * 3.6 + 7.2), JSON.stringify(p));
  t.ok('the quarter\'s rate leaves out what stood still', p.quarters.length === 1 && p.quarters[0].hours === 50 && p.quarters[0].stopped === 3 && p.quarters[0].missing === 3 && near(p.quarters[0].rate, 44 / 47) && p.quarters[0].qualifies, JSON.stringify(p.quarters));
  t.ok('a gap is filled with the largest before it', p.gaps.length === 2 && p.gaps[0].hours === 2 && p.gaps[0].of_last_valid_hours === 180 && near(p.gaps[0].kg_per_hour, 7.2) && p.gaps[1].hours === 1 && near(p.substituted_kg, 3 * 7.2), JSON.stringify(p.gaps));
  t.ok('the total is both', near(p.total_kg, p.measured_kg + p.substituted_kg) && p.substituted_hours === 3 && p.open_hours === 0 && p.stopped_hours === 3);
  t.ok('days add up to it', p.days.length === 3 && near(p.days.reduce((s, d) => s + d.total_kg, 0), p.total_kg) && p.days[1].substituted_hours === 3, JSON.stringify(p.days));
  t.ok('what was never measured has no emission', (await ask()).json.pollutants.find((x) => x.factor === 'a34013').total_kg === 0);
  // a reviewer says that hour 20 was wrong: it does not count, and another stands in
  const admin = await server.user('admin'), at = (i) => new Date(quarter + i * 3600e3).toISOString();
  const review = (await city.post('/review', { station_id: flue.id, factor: 'a21026', kind: 'hour', from_at: at(20), to_at: at(21), action: 'mark', new_flag: 'D', reason: '比对不合格' })).json;
  t.ok('it is marked', (await admin.post(`/review/${review.id}/approve`, { version: review.version })).status === 200);
  const q = await until(async () => { const x = await so2(); return x.substituted_hours === 4 && x; }, 60000, 500);
  t.ok('the sums follow the review', q && near(q.measured_kg, 43 * 3.6) && near(q.substituted_kg, 4 * 3.6) && q.gaps.length === 3, JSON.stringify(q));
  t.ok('another county does not see it', (await ask(other)).status === 404);
  const water = (await city.get('/station?limit=1&kind=wastewater')).json.items[0];
  t.ok('only flues have one', (await ask(city, water)).status === 422);
  t.ok('a year at once is too much', (await city.get(`/station/${flue.id}/emission?from=2020-01-01&to=2021-01-01`)).status === 422);
  t.ok('it stops cleanly', (await server.stop()) === 0);
}, () => server?.remove());
