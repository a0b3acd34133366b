// Deployment: what `make install` lays down works: program, configuration, demonstration, units of systemd, nightly backup; and an
// address of its own for stations.
// usage: node deploy.mjs BUILD
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { Checks, Server, until } from './lib.mjs';

const [, , build] = process.argv;
const t = new Checks('deploy'), ok = (...a) => t.ok(...a);
const root = mkdtempSync('/tmp/lanfan-install-'), work = mkdtempSync('/tmp/lanfan-deploy-');
const run = (cmd, args, env = {}) => spawnSync(cmd, args.map(String), { encoding: 'utf8', env: { ...process.env, ...env } });
const find = (end, dir = root) => readdirSync(dir, { withFileTypes: true }).map((e) => {
  const path = `${dir}/${e.name}`;
  return path.endsWith(end) ? path : e.isDirectory() ? find(end, path) : null;
}).find(Boolean);
const installed = run('meson', ['install', '-C', build, '--destdir', root, '--no-rebuild', '--quiet']);
const lanfan = find('/bin/lanfan'), share = find('/share/lanfan');

/** A unit or script as it is installed, with the program where it lies now. */
function moved(end) {
  const file = find(end), bin = lanfan.slice(root.length), path = `${work}/${end.split('/').at(-1)}`;
  writeFileSync(path, readFileSync(file, 'utf8').replaceAll(bin, lanfan).replaceAll(find('/lanfan-backup').slice(root.length), find('/lanfan-backup')),
    { mode: statSync(file).mode });
  return path;
}

async function units() {
  if (run('systemd-analyze', ['--version']).error) { console.log('   no systemd-analyze here: the units are not verified'); return; }
  const names = ['/lanfan.service', '/lanfan-backup.service', '/lanfan-backup.timer'].map(moved);
  const v = run('systemd-analyze', ['verify', '--man=no', ...names]);
  ok('systemd finds no fault in the units', v.status === 0 && !v.stderr.includes('lanfan'), v.stderr);
  const s = run('systemd-analyze', ['security', '--offline=true', '--threshold=20', '--no-pager', names[0]]);
  ok('the service may do little: exposure at most 2.0', s.status === 0, (s.stdout + s.stderr).split('\n').slice(-3).join(' '));
}

async function backups() {
  const conf = `${work}/lanfan.conf`, to = `${work}/backups`, script = moved('/lanfan-backup'), names = () => readdirSync(to).sort();
  writeFileSync(conf, `data = ${work}/data\n`);
  ok('the program knows where its demonstration is installed', run(lanfan, ['demo', '--help']).stdout.includes(` ${share.slice(root.length)}/demo\n`));
  ok('the demonstration is installed with it', run(lanfan, ['demo', '--from', `${share}/demo`, '--config', conf]).status === 0);
  run('mkdir', [to]);
  const seen = new Set();
  for (let i = 0; i < 3; i++) {
    const before = Math.floor(Date.now() / 1000);
    await until(() => Math.floor(Date.now() / 1000) > before, 3000, 20); // names are by the second
    const r = run(script, [], { LANFAN_BACKUP_DIR: to, LANFAN_KEEP: '2', LANFAN_CONFIG: conf });
    if (!ok(`backup ${i + 1}`, r.status === 0, r.stderr)) return;
    names().forEach((n) => seen.add(n));
  }
  ok('the two newest backups are kept', names().length === 2 && seen.size === 3 && names().every((n) => n !== [...seen].sort()[0]), names());
  const r = run(lanfan, ['restore', `${to}/${names()[1]}`, '--data', `${work}/restored`]);
  ok('a backup is restored', r.status === 0 && existsSync(`${work}/restored/lanfan.db`), r.stderr);
}

async function stationsElsewhere() {
  const server = await Server.make(lanfan, 'sqlite', { more: ['--station-host', '127.0.0.2'] });
  ok('a server starts whose stations have an address of their own', await server.start());
  const reach = (host) => new Promise((res) => { const s = net.connect(server.stationPort, host, () => { s.destroy(); res(true); }).once('error', () => res(false)); });
  ok('they are listened to there, and nowhere else', await reach('127.0.0.2') && !(await reach('127.0.0.1')));
  await server.remove();
}

await t.run(async () => {
  if (!ok('it installs', installed.status === 0 && lanfan && share, installed.stderr)) return;
  ok('the program runs', run(lanfan, ['version']).status === 0);
  const c = run(lanfan, ['config', '--config', `${share}/lanfan.conf`]);
  ok('its configuration is good', c.status === 0 && /data = \/var\/lib\/lanfan/.test(c.stdout), c.stderr);
  await units();
  await backups();
  await stationsElsewhere();
}, () => [root, work].forEach((d) => rmSync(d, { recursive: true, force: true })));
