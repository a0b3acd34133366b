// A million records go out as CSV and GeoJSON, 200 000 as xlsx, and 60 000 rows come in, while the server's memory stays where it was.
// usage: node million.mjs LANFAN sqlite|postgres
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Checks, Server } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`million ${engine}`), ok = (...a) => t.ok(...a);
const ROWS = 1000000, SHEET = ROWS / 5, MOST = 24 << 20;
let server;

/** n is 1 ... ROWS; every fifth is a key source. */
const INSERT = (n, key, series) => `INSERT INTO source (version, grid_code, name, industry, address, lon, lat, permit_class, key_source, invented, created_at, updated_at)
 SELECT 1, '370302', '企业 ' || ${n} || '，“甲”', '化工', '某路 ' || ${n} || ' 号', 118.0 + (${n} % 1000) / 10000.0, 36.8 + (${n} % 777) / 10000.0, 'none', ${key}, ${engine === 'postgres' ? 'true' : '1'}, 1700000000000 + ${n}, 1700000000000 + ${n} FROM ${series}`;
function fill() {
  const run = (cmd, args, input) => { const r = spawnSync(cmd, args, { input, encoding: 'utf8' }); return r.status === 0 || console.log(r.stderr.slice(0, 300)); };
  if (engine === 'postgres') return run('psql', ['-q', '-v', 'ON_ERROR_STOP=1', process.env.LANFAN_TEST_PG, '-c', INSERT('n', 'n % 5 = 0', `generate_series(1, ${ROWS}) n`)]);
  const sql = `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${ROWS}) ${INSERT('n', 'n % 5 = 0', 'c')}`;
  return run('python3', ['-c', 'import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute(sys.stdin.read())\nc.commit()', `${server.data}/lanfan.db`], sql);
}
const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.process.pid}/status`, 'utf8'))[1]) * 1024;

/** Calls while the memory is looked at; gives back the answer and how far it rose above what it was at the start. */
async function watched(fn) {
  const from = resident();
  let most = from;
  const timer = setInterval(() => { most = Math.max(most, resident()); }, 50), began = performance.now();
  const got = await fn();
  clearInterval(timer);
  return { got, rose: Math.max(most, resident()) - from, s: ((performance.now() - began) / 1000).toFixed(1) };
}
/** How often `what` stands in the answer, which is read as a stream, and the last piece of it. */
async function count(user, path, what) {
  const r = await fetch(`${server.base}/api/v1${path}`, { headers: { Cookie: user.cookie, 'Accept-Encoding': 'identity' } });
  let n = 0, held = Buffer.alloc(0), bytes = 0;
  for await (const part of r.body) {
    const b = Buffer.concat([held, part]);
    let at = 0;
    for (let i; (i = b.indexOf(what, at)) >= 0; n++) at = i + what.length;
    held = b.subarray(Math.max(at, b.length - what.length + 1));
    bytes += part.length;
  }
  return { status: r.status, n, bytes };
}

await t.run(async () => {
  server = await Server.make(lanfan, engine);
  ok('the demonstration city is filled', server.run('demo').status === 0);
  ok('a million records are there', fill());
  ok('the server starts', await server.start());
  const city = await server.user('city'), there = 160;
  await city.get('/source.xlsx?name=nobody'); // what is loaded once is loaded now
  await city.get('/source?limit=200');
  const tell = (what, { rose, s }) => console.log(`# ${what}: ${s} s, memory rose ${(rose / 1048576).toFixed(1)} MB`);
  const bounded = (what, w) => { tell(what, w); if (!/asan|tsan/.test(lanfan)) ok(`${what} is written in constant memory`, w.rose < MOST, `${w.rose} bytes`); };

  const csv = await watched(() => count(city, '/source.csv', '\r\n'));
  ok('CSV has every row', csv.got.status === 200 && csv.got.n === ROWS + there + 1, JSON.stringify(csv.got));
  bounded('a million rows of CSV', csv);
  const geo = await watched(() => count(city, '/source.geojson', '"type":"Feature"'));
  ok('GeoJSON has every feature', geo.got.status === 200 && geo.got.n === ROWS + there, JSON.stringify(geo.got));
  bounded('a million features of GeoJSON', geo);
  const file = `${server.data}/sheet.xlsx`;
  const sheet = await watched(async () => { const r = await fetch(`${server.base}/api/v1/source.xlsx?key_source=true` , { headers: { Cookie: city.cookie } }); if (r.status !== 200) return r.status; writeFileSync(file, Buffer.from(await r.arrayBuffer())); return 200; });
  const rows = spawnSync('python3', ['-c', 'import sys, zipfile\nf = zipfile.ZipFile(sys.argv[1]).open("xl/worksheets/sheet1.xml")\nn = 0\nheld = b""\nwhile b := f.read(1 << 20):\n  b = held + b\n  n += b.count(b"<row ")\n  held = b[-4:]\nprint(n)', file], { encoding: 'utf8' });
  ok('xlsx has every row', sheet.got === 200 && Number(rows.stdout) >= SHEET + 1 && Number(rows.stdout) <= SHEET + there + 1, `${sheet.got} ${rows.stdout} ${rows.stderr}`);
  bounded('200 000 rows of xlsx', sheet);

  // in: every hundredth row is wrong in one of three ways
  const wrong = ['错 {},10,10', '错 {},abc,36.81', '{},118.06,36.81'.replace('{}', 'x'.repeat(201))];
  const lines = Array.from({ length: 60000 }, (_, i) => (i % 100 === 99 ? wrong[(i / 100 | 0) % 3].replace('{}', i) : `"进，${i}",118.06,36.81`));
  const taken = await watched(() => city.call('POST', '/source/import?kind=csv', Buffer.from(['名称,经度,纬度', ...lines].join('\r\n')), 'text/csv'));
  const told = taken.got.json;
  ok('every good row is in', taken.got.status === 200 && told.rows === 60000 && told.accepted === 59400, taken.got.text.slice(0, 200));
  ok('every refused row is told with its line and column', told.refused_count === 600 && told.refused.length === 600 && told.refused.every((r, i) => r.row === i * 100 + 101 && ['lon', 'lon', 'name'][i % 3] === r.field && r.message.length > 0), JSON.stringify(told.refused.slice(0, 4)));
  bounded('60 000 rows of CSV, read', taken);
  ok('a list of a million is still a page', (await watched(() => city.get('/source?limit=200&sort=-name'))).got.json.items.length === 200);
  ok('the audit trail is good', server.run('audit', 'verify').status === 0);
  ok('it stops cleanly', (await server.stop()) === 0);
}, () => server?.remove());
