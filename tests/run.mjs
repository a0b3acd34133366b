// What `make run` starts, as a new user meets it: the city alive within a minute, an end by one signal, a second start on what is there.
// usage: node run.mjs LANFAN sqlite|postgres
import net from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { Checks, Server, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`run on ${engine}`), ok = (...a) => t.ok(...a);
let s;

const children = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const there = (pid) => { try { return existsSync(`/proc/${pid}/exe`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return false; /* gone between the two */ } };

/** The city comes alive; gives back the seconds it took. */
async function alive() {
  const began = Date.now();
  ok('the server starts', await s.start(), s.log);
  const city = await s.user('city');
  const lives = async () => { const l = (await city.get('/station/live')).json.items; return l.length === 40 && l.every((i) => i.state !== 'offline' && i.values.length > 0); };
  ok('all forty stations speak', await until(lives, 60000, 300));
  const matters = async () => { const m = (await city.get('/matter?limit=200')).json.items; return m.some((i) => i.state === 'dispatched' && i.officer_id) && m; };
  const m = await until(matters, 60000, 300);
  ok('an exceedance is a matter with the officer on duty there', Boolean(m));
  const one = m.find((i) => i.state === 'dispatched'), clock = (await city.get(`/matter/${one.id}/clock`)).json.steps.at(-1);
  ok('in a cell, with a deadline', one.grid_code.length >= 9 && Boolean(clock.due_at));
  const officer = await s.user('officer'), bench = async () => (await officer.get('/bench')).json.todo.some((i) => i.room === 'matter');
  ok('the log-in `officer` has one to handle', await until(bench, 30000, 300));
  const past = async () => (await city.get(`/series?station=${one.station_id ?? 1}&factor=w01018,a21026,a34004,w21003&kind=hour`)).json.series.some((l) => l.points.length >= 20);
  ok('the charts have a past', await until(past, 30000, 300));
  return (Date.now() - began) / 1000;
}

await t.run(async () => {
  s = await Server.make(lanfan, engine, { more: ['--play'] });
  const plain = s.args.filter((a) => a !== '--play'), run = (...a) => { const was = s.args; s.args = plain; const r = s.run(...a); s.args = was; return r; };
  ok('the demonstration city is filled', run('demo').status === 0);
  const first = await alive();
  console.log(`# alive after ${first.toFixed(1)} s`);
  ok('within a minute', first < 60, first);
  let players = children(s.process.pid);
  ok('one process plays', players.length === 1 && there(players[0]), players);
  ok('SIGINT ends the server well', (await s.stop('SIGINT')) === 0, s.log);
  ok('and what plays', await until(() => !there(players[0])));
  ok('to fill it again changes nothing', run('demo').status === 0);
  await alive();
  players = children(s.process.pid);
  process.kill(players[0], 'SIGTERM');
  ok('when what plays ends, the server says so and goes on', await until(() => /lanfan simulate has ended/.test(s.log), 15000), s.log);
  ok('it still answers', (await fetch(s.base + '/healthz')).ok);
  await s.stop();
  ok('a third start', await s.start(), s.log);
  players = await until(() => { const c = children(s.process.pid); return c.length && c; });
  await s.stop('SIGKILL');
  ok('a server that is killed takes it along', await until(() => !there(players[0])));
  for (const [what, port] of [['stations', s.stationPort], ['HTTP', s.port]]) {
    const taken = net.createServer().listen(port, '127.0.0.1');
    await new Promise((r) => taken.once('listening', r));
    const r = s.run('serve');
    ok(`the port for ${what} is taken: a clear end`, r.status === 1 && new RegExp(`cannot listen on 127.0.0.1 port ${port}.*\\nHINT`).test(r.stderr), r.stderr);
    await new Promise((done) => taken.close(done));
  }
}, () => s.remove());
