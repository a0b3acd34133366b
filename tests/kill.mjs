// kill -9 at any moment, of a migration and of writes: the next start is clean, the audit trail verifies, nothing is half there and
// nothing that was acknowledged is lost.
// usage: node kill.mjs LANFAN sqlite|postgres [ROUNDS]
import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Checks, Server, sleep } from './lib.mjs';
const [, , lanfan, engine, rounds = '1'] = process.argv;
const t = new Checks(`kill ${engine}`), ok = (...a) => t.ok(...a);
let server;

/** Rows of a query, as arrays of text. */
function ask(sql) {
  const r = engine === 'postgres'
    ? spawnSync('psql', ['-qAt', '-F', '\t', '-v', 'ON_ERROR_STOP=1', process.env.LANFAN_TEST_PG, '-c', sql], { encoding: 'utf8' })
    : spawnSync('python3', ['-c', 'import sqlite3, sys\nfor row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*row, sep="\\t")', `${server.data}/lanfan.db`, sql], { encoding: 'utf8' });
  if (r.status !== 0) throw new Error(r.stderr);
  return r.stdout.trim().split('\n').filter(Boolean).map((l) => l.split('\t'));
}
function empty() {
  if (engine === 'postgres') ask('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  else rmSync(server.data, { recursive: true, force: true });
}
/** Runs a command and kills it after `ms`; true when it was killed. */
const killed = (args, ms) => new Promise((res) => {
  const p = spawn(lanfan, [...args, ...server.args], { stdio: 'ignore' });
  const timer = setTimeout(() => p.kill('SIGKILL'), ms);
  p.once('exit', (code, signal) => { clearTimeout(timer); res(signal === 'SIGKILL'); });
});
let seed = 20240229;
const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor(seed / 2147483648 * n); };

await t.run(async () => {
  server = await Server.make(lanfan, engine);
  // ---- migrations: a new database, killed again and again until it is whole
  let began = Date.now();
  ok('a new database is migrated', server.run('migrate').status === 0);
  if (engine === 'postgres') ok('with the tables of telemetry', ask("SELECT to_regclass('tele_packet') IS NOT NULL")[0][0] === 't');
  let whole = Date.now() - began; // what a migration takes: learned again, as others may keep the machine busy
  const every = ask('SELECT count(*) FROM migration')[0][0];
  let kills = 0, bad = '', halfway = 0;
  for (let i = 0; i < 400 && (kills < 50 || halfway < 5) && !bad; i++) {
    if (i % 3 === 0) empty(); // the others go on where the one before was killed: an upgrade of an older database
    const hit = await killed(['migrate'], whole * 0.2 + random(whole * 0.8));
    kills += hit;
    let rows = 0;
    try { rows = ask("SELECT count(*) FROM migration")[0][0]; halfway += Number(rows) > 0 && rows !== every; } catch { /* killed before there was a table */ }
    if (i % 3 === 0 && !hit) whole *= 0.9;
    if (i % 3 === 0 && hit && !Number(rows)) whole *= 1.1;
    if (i % 3 !== 2) continue;
    const r = server.run('migrate');
    if (r.status !== 0) bad = r.stderr;
    else if (ask('SELECT count(*) FROM migration')[0][0] !== every) bad = 'a migration is missing';
    else if (server.run('audit', 'verify').status !== 0) bad = 'the schema or the audit trail';
  }
  ok('50 times killed in a migration, each next one is clean', !bad, bad);
  ok('the kills came in the middle', kills >= 50 && halfway >= 5, `${kills} killed, ${halfway} halfway`);
  began = Date.now();
  empty();
  kills = 0;
  for (let i = 0; i < 8 && !bad; i++) {
    empty();
    kills += await killed(['demo'], whole + random(1500));
    const r = server.run('demo');
    if (r.status !== 0 && !/already|已/.test(r.stderr)) bad = r.stderr;
    if (server.run('audit', 'verify').status !== 0) bad = 'the audit trail';
  }
  ok('killed while the demonstration is filled, it is filled the next time', !bad, bad);

  // ---- writes of a server
  empty();
  ok('the demonstration city is filled', server.run('demo').status === 0);
  const count = (sql) => Number(ask(sql)[0][0]);
  const unaudited = count("SELECT (SELECT count(*) FROM source) - (SELECT count(*) FROM audit WHERE topic = 'source' AND verb = 'create')");
  const made = new Map(), moved = new Map(), imported = new Set();
  let tag = 0, acknowledged = 0;
  const much = () => made.size > 20 && moved.size > 5 && imported.size > 5;
  for (let round = 0; round < 10 * Number(rounds) || (!much() && round < 40); round++) {
    if (!ok(`start ${round + 1}`, await server.start(), server.log)) return;
    const city = await server.user('city'), town = await server.user('town'), officer = await server.user('officer');
    const cell = (await city.get('/grid/areas?level=village&parent=370302116')).json.features[0].geometry.coordinates[0].slice(0, -1);
    const [lon, lat] = [0, 1].map((k) => cell.reduce((sum, p) => sum + p[k], 0) / cell.length);
    let going = true;
    const client = (fn) => (async () => { while (going) { try { await fn(); acknowledged++; } catch { await sleep(5); } } })();
    const create = client(async () => { const r = await city.call('POST', '/source', { name: `厂 ${++tag}`, lon: 118.06, lat: 36.81 }); if (r.status === 201) made.set(r.json.id, r.json.name); });
    const edit = client(async () => { const [id] = made.keys(); const s = (await city.get(`/source/${id}`)).json; const name = `改 ${++tag}`; const r = await city.call('PATCH', `/source/${id}`, { version: s.version, name }); if (r.status === 200) made.set(id, name); });
    const move = client(async () => {
      const m = (await officer.call('POST', '/matter', { title: `事 ${++tag}`, category: 'E04', origin: 'patrol', lon, lat })).json;
      const r = await town.call('POST', `/matter/${m.id}/register`, { version: m.version });
      if (r.status === 200) moved.set(m.id, r.json.state);
    });
    const take = client(async () => { const n = ++tag, r = await city.call('POST', '/source/import?kind=csv', Buffer.from(`名称,经度,纬度\n${`批 ${n},118.06,36.81\n`.repeat(40)}`), 'text/csv'); if (r.status === 200 && r.json.accepted === 40) imported.add(n); });
    await sleep(150 + random(700));
    await server.stop('SIGKILL');
    going = false;
    await Promise.all([create, edit, move, take]);
  }
  console.log(`# ${acknowledged} acknowledged: ${made.size} created, ${moved.size} moved, ${imported.size} files taken in`);
  ok('there was much under way', much());
  ok('the server starts again', await server.start());
  const audit = server.run('audit', 'verify');
  ok('the audit trail is good', audit.status === 0, audit.stderr);
  ok('each record has its entry, each entry its record', count("SELECT (SELECT count(*) FROM source) - (SELECT count(*) FROM audit WHERE topic = 'source' AND verb = 'create')") === unaudited);
  const names = new Map(ask("SELECT id, name FROM source").map(([id, name]) => [Number(id), name]));
  ok('what was acknowledged is there', [...made].every(([id, name]) => names.has(id) && (names.get(id) === name || name.startsWith('改') || names.get(id).startsWith('改'))), [...made].filter(([id]) => !names.has(id)).join());
  const batches = new Map(ask("SELECT name, count(*) FROM source WHERE name LIKE '批 %' GROUP BY name").map(([n, k]) => [Number(n.slice(2)), Number(k)]));
  ok('a file is in as a whole or not at all', [...batches.values()].every((k) => k === 40) && [...imported].every((n) => batches.has(n)), JSON.stringify([...batches].filter(([, k]) => k !== 40)));
  const states = new Map(ask('SELECT id, state FROM matter').map(([id, s]) => [Number(id), s]));
  ok('moves that were acknowledged were made', [...moved].every(([id, s]) => states.get(id) === s));
  ok('each matter waits in the state that it has', count("SELECT count(*) FROM matter m WHERE m.state <> 'closed' AND NOT EXISTS (SELECT 1 FROM step s WHERE s.topic = 'matter' AND s.row_id = m.id AND s.ended_at IS NULL AND s.state = m.state)") === 0);
  ok('no two steps are open where one is', count("SELECT count(*) FROM (SELECT row_id FROM step WHERE topic = 'matter' AND ended_at IS NULL AND covered = FALSE GROUP BY row_id HAVING count(*) > 1) x") === 0);
  ok('the last state in the trail is the state', count("SELECT count(*) FROM matter m WHERE m.state <> (SELECT to_state FROM audit a WHERE a.topic = 'matter' AND a.row_id = m.id AND a.to_state IS NOT NULL ORDER BY a.id DESC LIMIT 1)") === 0);
  ok('it stops cleanly', (await server.stop()) === 0);
}, () => server?.remove());
