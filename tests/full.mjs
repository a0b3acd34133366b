// The records' file cannot grow: each write is refused with a clear word, what is there is read as before, and with room again all goes on.
// (A limit of the file size stands for the full disk: it can be set without being root.)
// usage: node full.mjs LANFAN
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { Checks, Server, until } from './lib.mjs';
const [, , lanfan] = process.argv;
const t = new Checks('full'), ok = (...a) => t.ok(...a);
let server;

/** Starts the server with files of at most `bytes`. */
async function startWithin(bytes) {
  const blocks = Math.ceil(bytes / 512); // of sh
  server.process = spawn('sh', ['-c', `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`, lanfan, 'serve', ...server.args], { stdio: ['ignore', 'ignore', 'pipe'] });
  server.log = '';
  server.process.stderr.on('data', (d) => { server.log += d; });
  return until(async () => { try { return (await fetch(server.base + '/healthz')).ok; } catch { return false; } }, 20000, 50);
}

await t.run(async () => {
  server = await Server.make(lanfan, 'sqlite');
  ok('the demonstration city is filled', server.run('demo').status === 0);
  // Larger than the room that the telemetry's journal takes ahead, so that the records meet the limit first.
  const pad = spawnSync('python3', ['-c', 'import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute("CREATE TABLE pad (b BLOB)")\nfor i in range(12): c.execute("INSERT INTO pad VALUES (zeroblob(1000000))")\nc.commit()', `${server.data}/lanfan.db`]);
  const size = statSync(`${server.data}/lanfan.db`).size;
  ok('the file is large', pad.status === 0 && size > 12e6, String(pad.stderr));
  ok('the server starts with little room', await startWithin(size + (3 << 20)), server.log);
  const city = await server.user('city'), made = new Set(), note = '满'.repeat(60);
  const create = (n) => city.call('POST', '/source', { name: `厂 ${n} ${note}`, lon: 118.06, lat: 36.81 });
  const rows = (n) => Buffer.from(['名称,经度,纬度', ...Array.from({ length: 2000 }, (_, i) => `批 ${n}-${i} ${note},118.06,36.81`)].join('\n'));
  let batches = 0, refused = null;
  for (let n = 0; n < 60 && !refused; n++) {
    const r = await city.call('POST', '/source/import?kind=csv', rows(n), 'text/csv');
    if (r.status === 200 && r.json.accepted === 2000) batches++; else refused = r;
  }
  ok('there is an end of room', batches > 0 && refused, batches);
  ok('it is told in words', refused?.status === 503 && /磁盘已满/.test(refused.json.detail), refused?.text);
  const stored = (u) => u.get('/source.csv').then((r) => r.text.split('\r\n').length - 2), expected = 160 + batches * 2000;
  ok('nothing of the refused file is there', (await stored(city)) === expected, `${await stored(city)} of ${expected}`);
  let full = null;
  for (let n = 0; n < 400 && !full; n++) { const r = await create(n); if (r.status === 201) made.add(r.json.id); else full = r; }
  ok('a single record is refused in the same words', full?.status === 503 && /磁盘已满/.test(full.json.detail), full?.text);
  ok('reading goes on', (await city.get('/source?limit=50')).json.items.length === 50 && (await city.get('/source.csv')).status !== 500);
  ok('so does the health', (await fetch(server.base + '/healthz')).status === 200);
  const before = readdirSync(server.data, { recursive: true }).length;
  const big = await city.call('POST', '/files?name=a.png', Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(19 << 20, 7)]), 'image/png');
  ok('a file that finds no room is refused, and nothing of it stays', [503, 507].includes(big.status) && big.json.detail.length > 5 && readdirSync(server.data, { recursive: true }).length <= before, big.text);
  ok('the server still stops cleanly', (await server.stop()) === 0, server.log.slice(-400));
  ok('with room again it starts', await server.start());
  const again = await server.user('city');
  ok('every acknowledged record is there', (await stored(again)) === expected + made.size && (await Promise.all([...made].map((id) => again.get(`/source/${id}`)))).every((r) => r.status === 200));
  ok('writing goes on', (await again.call('POST', '/source', { name: '新厂', lon: 118.06, lat: 36.81 })).status === 201);
  const audit = server.run('audit', 'verify');
  ok('the audit trail is good', audit.status === 0, audit.stderr);
  ok('it stops', (await server.stop()) === 0);
}, () => server?.remove());
