// The pages in a real browser against a real server with simulated stations: the specs of web/e2e. usage: node pages.mjs LANFAN
import { spawn } from 'node:child_process';
import { Server, until } from './lib.mjs';

const server = await Server.make(process.argv[2], 'sqlite');
const ended = (p) => new Promise((r) => p.once('exit', (code) => r(code ?? 1)));
let code = 1, sim;
try {
  server.run('demo');
  if (!(await server.start())) throw new Error('the server does not answer');
  sim = spawn(server.lanfan, ['simulate', '--every', '500', ...server.args], { stdio: 'ignore' });
  const city = await server.user('city');
  if (!(await until(async () => (await city.get('/matter?limit=1')).json.total > 0, 60000))) throw new Error('no exceedance became a matter');
  code = await ended(spawn(process.execPath, ['e2e/run.mjs'], { cwd: new URL('../web/', import.meta.url), env: { ...process.env, LANFAN_URL: server.base, LANFAN_STATION_PORT: String(server.stationPort) }, stdio: 'inherit' }));
} catch (e) {
  console.log(`not ok pages: ${e.message}`);
} finally {
  sim?.kill('SIGKILL');
  await server.remove();
}
process.exit(code);
