// The database goes away and comes back while stations send and people work: nothing is acknowledged that is not stored, whoever asks is
// told, the numbers for monitoring are there all the while, and everything goes on by itself.
// usage: tools/with_postgres node away.mjs LANFAN postgres
import { spawnSync } from 'node:child_process';
import { Checks, Server, Station, packet, sleep, until } from './lib.mjs';

const [, , lanfan, engine] = process.argv;
const t = new Checks(`away ${engine}`), ok = (...a) => t.ok(...a);
const control = (what) => spawnSync('sh', ['-c', `${process.env.LANFAN_TEST_PG_CTL} ${what}`], { stdio: 'ignore' }).status === 0;
const mn = '370300000000000000000007';
let server;

const metric = async (name) => {
  const r = await fetch(server.base + '/metrics');
  return r.ok ? Number(new RegExp(`^${name} (\\S+)`, 'm').exec(await r.text())?.[1]) : `HTTP ${r.status}`;
};
const becomes = (name, value) => until(async () => (await metric(name)) === value, 30000, 100);
const upload = (at) => packet({ mn, st: '31', at, items: 'a21026-Rtd=12.5,a21026-Flag=N' });

await t.run(async () => {
  server = await Server.make(lanfan, engine);
  ok('the demonstration city is served', server.run('demo').status === 0 && await server.start());
  const city = await server.user('city', 'Lanfan-demo-1');
  const station = await new Station(server.stationPort).open(), began = Date.now() - 3600e3;
  let sent = 0;
  const next = () => upload(began + 1000 * sent++);
  ok('a station is answered', await station.send([next(), next()]));

  for (const how of ['fast', 'immediate']) {
    const answered = station.answers.length;
    ok(`the database is stopped (${how})`, control(`stop -m ${how}`));
    ok('a station is not answered', !(await station.send([next(), next()], 1500)) && station.answers.length === answered);
    ok('the numbers say that storing fails', await becomes('lanfan_telemetry_store_failing', 1), await metric('lanfan_telemetry_store_failing'));
    ok('the service is not well', (await fetch(server.base + '/healthz')).status === 503);
    ok('the pages are there', (await fetch(server.base + '/')).status === 200);
    const read = await city.get('/matter'), write = await city.call('POST', '/source', { name: '戊厂（虚构）', lon: 118.06, lat: 36.81 });
    ok('who reads or writes is told', read.status === 503 && write.status === 503, `${read.status} ${write.status}`);
    ok('and of no inner matter', !/postgres|socket|connection/i.test(JSON.stringify([read.json, write.json])), JSON.stringify(write.json));
    await sleep(500);
    ok('the database is started', control('start'));
    ok('what waited is stored and acknowledged', await until(() => station.answers.length === answered + 2, 30000, 50), station.answers.length - answered);
    ok('the numbers say that storing works', await becomes('lanfan_telemetry_store_failing', 0));
    ok('the service is well', await until(async () => (await fetch(server.base + '/healthz')).status === 200, 30000, 100));
    ok('the session is still good', (await city.get('/matter')).status === 200);
    ok('who writes is served', (await city.call('POST', '/source', { name: '戊厂（虚构）', lon: 118.06, lat: 36.81 })).status === 201);
  }
  ok('a station goes on', await station.send([next(), next()]));
  ok('every packet is there once', (await metric('lanfan_telemetry_packets_stored_total')) === sent, await metric('lanfan_telemetry_packets_stored_total'));
  const audit = server.run('audit', 'verify');
  ok('the audit trail is good', audit.status === 0, audit.stderr);
  ok('it stops cleanly', (await server.stop()) === 0);
}, () => server?.remove());
