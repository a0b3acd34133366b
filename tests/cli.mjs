// The command line as an operator meets it: settings and their errors, tables in and out, accounts, backup under load and the way back.
// usage: node cli.mjs LANFAN sqlite|postgres
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { freePort, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const dir = mkdtempSync('/tmp/lanfan-cli-'), data = `${dir}/data`;
const port = await freePort(), sport = await freePort();
const db = engine === 'postgres' ? ['--db', process.env.LANFAN_TEST_PG] : [];
const args = ['--data', data, '--port', `${port}`, '--station-port', `${sport}`, '--demo', ...db];
let n = 0, bad = 0;
const ok = (name, cond, more = '') => { n++; if (!cond) bad++; console.log(`${cond ? 'ok' : 'not ok'} ${engine}: ${name}${cond ? '' : ' ' + more}`); };
const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !/^LANFAN_|^LC_|^LANG/.test(k)));
const cli = (words, more = {}) => spawnSync(lanfan, words, { encoding: 'utf8', env: { ...env, ...more } });
const run = (...words) => cli([...words, ...args]);
const says = (r, status, text) => r.status === status && text.test(r.stdout + r.stderr);
let server, log;
async function start(words, at) {
  server = spawn(lanfan, ['serve', ...words], { stdio: ['ignore', 'ignore', 'pipe'], env });
  log = '';
  server.stderr.on('data', (d) => { log += d; if (/Sanitizer/.test(d)) process.stderr.write(d); });
  for (let i = 0; i < 1200; i++) { try { if ((await fetch(`http://127.0.0.1:${at}/healthz`)).ok) return true; } catch { /* not yet */ } await new Promise((r) => setTimeout(r, 50)); }
  return false;
}
async function stop() { const done = new Promise((r) => server.once('exit', r)); server.kill('SIGTERM'); return (await done) === 0; }
async function user(at, login = 'city') {
  const r = await fetch(`http://127.0.0.1:${at}/api/v1/login`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ login, password: 'Lanfan-demo-1' }) });
  if (!r.ok) return { status: r.status };
  const cookie = r.headers.get('set-cookie').split(';')[0], me = await r.json();
  return { status: r.status, call: async (method, path, body, type = 'application/json') => {
    const a = await fetch(`http://127.0.0.1:${at}/api/v1${path}`, { method, headers: { Cookie: cookie, 'X-CSRF-Token': me.csrf, ...(body ? { 'Content-Type': type } : {}) }, body: body && type === 'application/json' ? JSON.stringify(body) : body });
    const bytes = Buffer.from(await a.arrayBuffer()); let json = null; try { json = JSON.parse(bytes); } catch { /* a file */ }
    return { status: a.status, json, bytes };
  } };
}

function settings() {
  const conf = `${dir}/lanfan.conf`, with_ = (text) => { writeFileSync(conf, text); return cli(['config', '--config', conf]); };
  const names = cli(['--help']).stdout.split('\n').map((l) => /^  ([a-z]+) {2,}/.exec(l)?.[1]).filter(Boolean);
  ok('--help lists the commands', names.length >= 12, names.join(' '));
  ok('every command has its own help', names.every((c) => { const r = cli([c, '--help']); return r.status === 0 && r.stdout.startsWith(`usage: lanfan ${c} `) && r.stdout.length > 300; }));
  ok('no command is an error', cli([]).status === 2);
  ok('an unknown command is an error', says(cli(['serv']), 2, /no command “serv”/));
  ok('an unknown option is named', says(cli(['serve', '--prot', '1']), 2, /no option --prot\nHINT/));
  ok('an option without its value is told', says(cli(['serve', '--port']), 2, /--port wants a value/));
  ok('a number out of range is told', says(cli(['config', '--port', '70000']), 2, /--port must be a number from 0 to 65535, not “70000”/));
  ok('a word too many is told', says(cli(['audit', 'verify', 'x']), 2, /what is “x” for/));
  ok('a file is read', says(with_('# ours\n\nport = 81\nhost=0.0.0.0\n demo = yes \n'), 0, /port = 81\n[^]*demo = yes/));
  ok('the environment beats the file', says(cli(['config', '--config', conf], { LANFAN_PORT: '82' }), 0, /environment[^\n]*\nport = 82\n/));
  ok('a flag beats the environment', says(cli(['config', '--config', conf, '--port=83'], { LANFAN_PORT: '82' }), 0, /command line[^\n]*\nport = 83\n/));
  ok('LANFAN_CONFIG names the file', says(cli(['config'], { LANFAN_CONFIG: conf }), 0, /port = 81\n/));
  ok('what is printed can be read again', (() => { const a = cli(['config', '--config', conf]).stdout; writeFileSync(`${dir}/again.conf`, a); return says(cli(['config', '--config', `${dir}/again.conf`]), 0, /host = 0\.0\.0\.0\n/); })());
  ok('an unknown key is named with its line', says(with_('port = 81\nprot = 82\n'), 2, /lanfan\.conf:2: there is no setting “prot”\nHINT: known settings are data,/));
  ok('a line without = is named', says(with_('\n\nport 81\n'), 2, /lanfan\.conf:3: no `=` in “port 81”/));
  ok('a bad value is named with its line', says(with_('port = eighty\n'), 2, /lanfan\.conf:1: port must be a number/));
  ok('a key that stands twice is refused', says(with_('port = 81\nport = 82\n'), 2, /lanfan\.conf:2: port is set twice/));
  ok('a file that is not there is told', says(cli(['config', '--config', `${dir}/none.conf`]), 2, /cannot read the configuration .*none\.conf/));
  const secret = cli(['config', '--db', 'postgresql://u:hunter2@h/db?password=hunter2&x=1']);
  ok('no password is printed', secret.status === 0 && !/hunter2/.test(secret.stdout) && /postgresql:\/\/u:\*\*\*@h\/db\?password=\*\*\*&x=1/.test(secret.stdout), secret.stdout);
  const token = cli(['config'], { LANFAN_METRICS_TOKEN: 'hunter3' });
  ok('no token is printed, but that there is one', token.status === 0 && !/hunter3/.test(token.stdout) && /environment[^\n]*\n# metrics-token = \*\*\*\n/.test(token.stdout), token.stdout);
}

function tables() {
  const csv = `${dir}/sources.csv`;
  writeFileSync(csv, '名称,经度,纬度\n甲厂（虚构）,118.06,36.81\n乙厂（虚构）,10,10\n丙厂（虚构）,118.05,36.82\n');
  const dry = run('import', 'source', csv, '--dry');
  ok('a dry import tells what it would do', says(dry, 3, /3 rows, 2 would be accepted, 1 refused/) && /sources\.csv:3: /.test(dry.stderr), dry.stdout + dry.stderr);
  ok('an import takes the good rows and tells the bad', says(run('import', 'source', csv), 3, /3 rows, 2 accepted, 1 refused/));
  writeFileSync(csv, 'nonsense\n1\n');
  ok('a file without a known heading takes nothing', says(run('import', 'source', csv), 1, /lanfan import: /));
  ok('an unknown type is told with the known ones', says(run('import', 'sauce', csv), 1, /no record type sauce\nHINT: one of .*source/));
  ok('a file that is not there is told', says(run('import', 'source', `${dir}/no.csv`), 1, /cannot read/));
  const out = `${dir}/out.csv`;
  const exported = cli(['export', 'source', out, ...args, '--lang', 'zh']);
  ok('an export holds what was imported, once', exported.status === 0 && (readFileSync(out, 'utf8').match(/甲厂（虚构）|丙厂（虚构）/g) ?? []).length === 2, exported.stderr);
  ok('xlsx is xlsx', run('export', 'source', `${dir}/out.xlsx`).status === 0 && readFileSync(`${dir}/out.xlsx`).subarray(0, 2).toString() === 'PK');
  ok('geojson is geojson', run('export', 'station', `${dir}/out.geojson`).status === 0 && JSON.parse(readFileSync(`${dir}/out.geojson`, 'utf8')).features.length >= 40);
  run('export', 'source', `${dir}/few.csv`, 'permit_class=key');
  ok('an export can be filtered', readFileSync(`${dir}/few.csv`, 'utf8').split('\n').length < readFileSync(out, 'utf8').split('\n').length);
  ok('an unknown filter is refused', says(run('export', 'source', `${dir}/few2.csv`, 'nonsense=1'), 1, /nonsense/) && !existsSync(`${dir}/few2.csv`));
  run('export', 'source', `${dir}/county.csv`, '--as', 'county');
  const rows = readFileSync(`${dir}/county.csv`, 'utf8').trim().split('\n').slice(1);
  ok('an export as somebody holds what he may see', rows.length > 0 && rows.every((r) => r.includes('370302')), rows[0]);
  ok('an ending that is no table is refused', says(run('export', 'source', `${dir}/x.pdf`), 1, /must end in/));
}

function accounts() {
  const added = run('user', 'add', 'chief', '--role', 'city', '--area', '3703', '--name', '值班长');
  ok('an account is added with a one-time password', says(added, 0, /one-time password: Lf-/), added.stderr);
  ok('the same log-in twice is refused', run('user', 'add', 'chief', '--area', '3703').status === 1);
  ok('an account wants its area', says(run('user', 'add', 'other'), 1, /--area CODE/));
  ok('an unknown role is told', says(run('user', 'add', 'other', '--area', '3703', '--role', 'king'), 1, /no role king/));
  ok('the list shows it', says(run('user', 'list'), 0, /chief\tcity\t3703\t值班长\tone-time password\n/));
  ok('it is disabled', says(run('user', 'disable', 'chief'), 0, /disabled/) && says(run('user', 'list'), 0, /chief\tcity\t3703\t值班长\tdisabled\n/));
  ok('and enabled', run('user', 'enable', 'chief').status === 0);
  const again = run('user', 'password', 'chief');
  ok('it gets another password', says(again, 0, /one-time password: Lf-/) && again.stdout !== added.stdout);
  ok('an unknown account is told', says(run('user', 'disable', 'nobody'), 1, /no account nobody\nHINT/));
}

// Where telemetry lies, on a data directory that has some in files: it is never left behind unseen, and damage is told.
function telemetry(at) {
  const files = `${at}/telemetry`, serve = (...words) => spawnSync(lanfan, ['serve', '--data', at, '--port', '0', '--station-port', '0', ...words], { encoding: 'utf8', env, timeout: 30000 });
  ok('what was restored is good', says(cli(['telemetry', 'verify', '--data', at]), 0, /telemetry good/));
  ok('stats tell how much', says(cli(['telemetry', 'stats', '--data', at]), 0, /not sealed yet: [1-9]\d* bytes/));
  ok('telemetry in files is not left for SQL', says(serve('--telemetry', 'sql'), 1, /holds telemetry in files\nHINT: set telemetry = files/));
  ok('an unknown way is told', says(serve('--telemetry', 'tape'), 1, /must be files, sql or auto/));
  ok('what to keep is checked', says(serve('--telemetry-keep', 'rtd:400,minutes:3'), 1, /“minutes:3”\nHINT/));
  const journal = readdirSync(files).filter((f) => f.startsWith('journal-')).map((f) => `${files}/${f}`).find((f) => readFileSync(f).includes('##'));
  const bytes = readFileSync(journal); bytes[bytes.indexOf('##') + 9] ^= 1; writeFileSync(journal, bytes);
  ok('a flipped bit is found', says(cli(['telemetry', 'verify', '--data', at]), 1, /journal-\w+ is damaged[^]*1 damaged/));
  ok('and nothing starts on it', says(serve(), 1, /journal-\w+ is damaged[^]*HINT: keep the folder/));
  ok('what is good is kept', says(cli(['telemetry', 'salvage', `${dir}/damaged`, '--data', at]), 0, /salvaged: 0 files and 1 commits were left out/));
  ok('and is whole again', says(cli(['telemetry', 'verify', '--data', at]), 0, /telemetry good/) && readFileSync(`${dir}/damaged/${journal.split('/').pop()}`).equals(bytes));
  ok('a directory without is told', says(cli(['telemetry', 'verify', '--data', `${dir}/none`]), 1, /holds no telemetry in files/));
}

// An older data directory, with telemetry.db, goes on with it; files are refused there until it was imported.
async function older() {
  const at = `${dir}/older`, words = ['--data', at, '--demo', '--port', `${port}`, '--station-port', `${sport}`], old = `${at}/telemetry.db`;
  const imports = () => cli(['telemetry', 'import', '--data', at, '--demo']);
  ok('without telemetry.db there is nothing to import', says(imports(), 1, /there is no .*telemetry\.db\nHINT/));
  ok('telemetry may lie in SQL', cli(['demo', '--data', at, '--demo']).status === 0 && await start([...words, '--telemetry', 'sql'], port) && existsSync(old) && !existsSync(`${at}/telemetry`));
  ok('stations send', cli(['simulate', '--stations', '3', '--rounds', '30', '--every', '5', '--history', '48', ...words]).status === 0);
  const [from, to] = [-5, 1].map((days) => new Date(Date.now() + days * 86400e3).toISOString());
  const told = async () => {
    const u = await user(port), live = (await u.call('GET', '/station/live')).json.items.slice(0, 3), out = [];
    for (const s of live) {
      const id = s.id, packets = (await u.call('GET', `/station/${id}/packets?cn=2011`)).json.items;
      const series = [];
      for (const kind of ['rtd', 'min', 'hour', 'day'])
        for (const f of new Set(s.values.map((x) => x.factor)))
          series.push((await u.call('GET', `/series?station=${id}&factor=${f}&kind=${kind}&from=${from}&to=${to}`)).json);
      out.push({ s, packets, series });
    }
    return out;
  };
  const before = await told();
  ok('their packets and series are there', before.length === 3 && before.some((b) => b.packets.length > 10 && b.series.some((x) => x.series[0]?.points.length > 10)), JSON.stringify(before).slice(0, 300));
  ok('while the server runs nothing is imported', says(imports(), 1, /another process uses .*telemetry\.db\nHINT: stop/) && existsSync(old));
  ok('where it lies in SQL, it stays there', await stop() && await start(words, port) && await stop() && !existsSync(`${at}/telemetry`));
  const r = spawnSync(lanfan, ['serve', ...words, '--telemetry', 'files'], { encoding: 'utf8', env, timeout: 30000 });
  ok('and is not left for files', says(r, 1, /telemetry\.db holds telemetry\nHINT: `lanfan telemetry import`/));
  ok('who wants SQL is not given files', says(cli(['telemetry', 'import', '--data', at, '--telemetry', 'sql']), 1, /want telemetry in SQL\nHINT: set telemetry = files/));
  await interrupted(at, imports, old);
  ok('it is in files', says(imports(), 0, /telemetry is in files now/) && existsSync(`${old}.taken`) && !existsSync(old) && !existsSync(`${at}/telemetry.import`));
  ok('and good', says(cli(['telemetry', 'verify', '--data', at]), 0, /telemetry good/));
  ok('importing again changes nothing', says(imports(), 0, /in files already/));
  ok('the server goes on with the files', await start(words, port));
  const after = await told();
  ok('and tells the same', JSON.stringify(after) === JSON.stringify(before), differs(JSON.stringify(before), JSON.stringify(after)));
  ok('which are written', cli(['simulate', '--stations', '2', '--rounds', '3', '--every', '5', ...words]).status === 0 && await stop() && !existsSync(old));
  renameSync(`${old}.taken`, old); // as if it had died before the last renaming
  ok('only the last name is missing', says(imports(), 0, /telemetry is in files now/) && existsSync(`${old}.taken`));
  copyFileSync(`${old}.taken`, old);
  rmSync(`${at}/telemetry/taken-from`);
  ok('two that hold telemetry are not mixed', says(imports(), 1, /both .* hold telemetry\nHINT/) && existsSync(old));
}

/** The first place where two long texts differ. */
function differs(a, b) { let i = 0; while (i < a.length && a[i] === b[i]) i++; return `${a.slice(i - 100, i + 60)} | ${b.slice(i - 100, i + 60)}`; }

/** Killed while it works, at other moments each time. */
async function interrupted(at, imports, old) {
  let killed = 0;
  for (let i = 0; i < 6 && existsSync(old); i++) {
    const p = spawn(lanfan, ['telemetry', 'import', '--data', at, '--demo'], { stdio: 'ignore', env });
    const gone = new Promise((r) => p.once('exit', (status, signal) => r(signal)));
    await new Promise((r) => setTimeout(r, 5 + 12 * i));
    p.kill('SIGKILL');
    killed += (await gone) === 'SIGKILL';
  }
  ok('it may be killed', killed > 0);
  if (!existsSync(old)) renameSync(`${old}.taken`, old), renameSync(`${at}/telemetry`, `${at}/telemetry.import`); // it was too fast
}

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');
/** The address of a new database beside the one of the test. */
function emptyDatabase() {
  const url = new URL(process.env.LANFAN_TEST_PG);
  const made = spawnSync('psql', ['-q', url.href, '-c', 'CREATE DATABASE restored'], { encoding: 'utf8' });
  if (made.status) throw new Error(made.stderr);
  url.pathname = '/restored';
  return url.href;
}
async function backup() {
  const copy = `${dir}/copy`, fresh = `${dir}/fresh`;
  ok('the server starts', await start(args, port));
  const city = await user(port);
  const file = await city.call('POST', '/files?name=a.png', PNG, 'image/png');
  const m = (await city.call('POST', '/matter', { title: '备份前的问题', category: 'E04', origin: 'patrol', lon: 117.97, lat: 36.62 })).json;
  await city.call('POST', `/matter/${m.id}/comments`, { note: '现场', files: [{ hash: file.json.hash, name: 'a.png' }] });
  ok('a matter with a photo is there', m?.id > 0 && file.status === 201, JSON.stringify(m));
  const sim = spawn(lanfan, ['simulate', '--rounds', '200', '--every', '20', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const ended = new Promise((r) => sim.once('exit', r)), numbers = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  ok('stations send', await until(async () => Number(/^lanfan_telemetry_acknowledged_total (\d+)$/m.exec(await numbers())?.[1]) > 100));
  const taken = run('backup', copy);
  ok('a backup is taken under load', says(taken, 0, /backup of \d+ files/), taken.stderr);
  if (engine === 'sqlite') {
    ok('telemetry is verified while it is written', says(run('telemetry', 'verify'), 0, /telemetry good/), run('telemetry', 'verify').stderr);
    const metrics = await numbers();
    ok('the metrics tell of the store', Number(/^lanfan_telemetry_store_memory_points (\d+)$/m.exec(metrics)?.[1]) > 0 && /store_segments\{class="packet"\} 0\n/.test(metrics));
  }
  sim.kill(); await ended;
  const before = (await city.call('GET', '/source.csv')).bytes;
  ok('the server stops cleanly', await stop());
  ok('a backup does not write over another', says(run('backup', copy), 1, /not empty\nHINT/));
  const list = readFileSync(`${copy}/backup.txt`, 'utf8');
  ok('the list names records, key and photo', /lanfan\.(db|pgdump)\n/.test(list) && /secret\.key\n/.test(list) && list.includes(file.json.hash));
  const to = engine === 'postgres' ? ['--db', emptyDatabase()] : [];
  const there = cli(['restore', copy, '--data', fresh, ...to]);
  ok('it is restored and its audit trail is good', says(there, 0, /audit trail good/), there.stdout + there.stderr);
  ok('nothing is restored over data', says(cli(['restore', copy, '--data', data, ...to]), 1, /not empty\nHINT/));
  if (engine === 'postgres') {
    ok('nor into a database that is in use', says(cli(['restore', copy, '--data', `${dir}/second`, ...to]), 1, /pg_restore failed\nHINT/) && !existsSync(`${dir}/second/secret.key`) && !existsSync(`${dir}/second.restoring`));
    const files = run('backup', `${dir}/files-only`, '--files-only');
    ok('others may take the database', says(files, 0, /backup of \d+ files/) && existsSync(`${dir}/files-only/secret.key`) && !existsSync(`${dir}/files-only/lanfan.pgdump`), files.stderr);
  }
  ok('a server starts on it', await start(['--data', fresh, '--port', `${port}`, '--station-port', `${sport}`, ...to], port));
  const again = await user(port);
  ok('the same records are there', (await again.call('GET', '/source.csv')).bytes.equals(before));
  ok('the matter is there', (await again.call('GET', `/matter/${m.id}`)).json.title === '备份前的问题');
  ok('the photo opens', (await again.call('GET', `/files/${file.json.hash}`)).bytes.equals(PNG));
  const stations = (await again.call('GET', '/station?limit=50')).json.items;
  const packets = await Promise.all(stations.map(async (s) => (await again.call('GET', `/station/${s.id}/packets`)).json.items.length));
  ok('packets that came before the backup are there', packets.some((k) => k > 0), packets.join(' '));
  ok('it stops', await stop());
  if (engine === 'sqlite') telemetry(fresh);
  else ok('readings came back with the database, not as files', says(cli(['telemetry', 'verify', '--data', fresh]), 1, /holds no telemetry in files/));
  const victim = readdirSync(`${copy}/files`, { recursive: true }).map((f) => `${copy}/files/${f}`).find((f) => statSync(f).isFile());
  appendFileSync(victim, 'x');
  ok('a changed backup is refused', says(cli(['restore', copy, '--data', `${dir}/third`, ...to]), 1, /is not what was saved/) && !existsSync(`${dir}/third/lanfan.db`));
  rmSync(`${copy}/backup.txt`);
  ok('an unfinished backup is refused', says(cli(['restore', copy, '--data', `${dir}/fourth`, ...to]), 1, /not a finished backup/));
}

try {
  if (engine === 'sqlite') settings();
  ok('a server on an empty database says that nobody can log in', await start(args, port) && /nobody can log in[^]*HINT: lanfan user add, or lanfan demo/.test(log) && await stop(), log);
  ok('the demonstration is filled', run('demo').status === 0);
  ok('and it says so no more', await start(args, port) && !/nobody can log in/.test(log) && await stop(), log);
  tables();
  accounts();
  await backup();
  if (engine === 'sqlite') await older();
} catch (e) { ok('no surprise', false, String(e.stack)); }
server?.kill('SIGKILL');
rmSync(dir, { recursive: true, force: true });
console.log(`${n - bad} of ${n}`);
process.exit(bad ? 1 : 0);
