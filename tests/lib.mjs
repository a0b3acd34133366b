// What the scenario programs share: a server on free ports with its own data, people who log in, stations that send, checks that count.
// usage of a scenario: node NAME.mjs LANFAN sqlite|postgres
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';

export const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

/** A port that nobody uses now, kept for this program until it ends (by a name that the kernel forgets with it), whoever else looks for
 *  one meanwhile; below those that outgoing connections take (32768 and up), so that none of them takes it. */
export async function freePort() {
  const listen = (...at) => new Promise((res) => { const s = net.createServer().once('error', () => res(null)).listen(...at, () => res(s)); });
  for (let left = 100; left; left--) {
    const port = 10000 + Math.floor(Math.random() * 22000), mine = await listen(`\0lanfan-test-port-${port}`);
    if (!mine) continue;
    const s = await listen(port, '127.0.0.1');
    if (s) {
      mine.unref();
      await new Promise((res) => s.close(res));
      return port;
    }
    mine.close();
  }
  throw new Error('no port is free');
}

/** Asks again until the answer is true (or any value that counts as true), at most `ms`; gives back the last answer. */
export async function until(fn, ms = 20000, every = 100) {
  const end = Date.now() + ms;
  for (;;) {
    const got = await fn();
    if (got || Date.now() > end) return got;
    await sleep(every);
  }
}

export class Checks {
  constructor(name) { this.name = name; this.n = 0; this.bad = 0; }
  ok(what, cond, more = '') {
    this.n++;
    if (!cond) this.bad++;
    console.log(`${cond ? 'ok' : 'not ok'} ${this.name}: ${what}${cond ? '' : ' ' + String(more).slice(0, 400)}`);
    return Boolean(cond);
  }
  /** Runs the whole, ends with the right exit code. */
  async run(main, cleanup = () => {}) {
    try { await main(); } catch (e) { this.ok('no surprise', false, (e.cause ? `(${e.cause.message ?? e.cause}) ` : '') + e.stack); }
    await cleanup();
    console.log(`${this.n - this.bad} of ${this.n}`);
    process.exit(this.bad ? 1 : 0);
  }
}

export class User {
  constructor(base) { this.base = base; }
  async login(login, password = 'Lanfan-demo-1') {
    const r = await fetch(this.base + '/api/v1/login', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ login, password }) });
    if (r.ok) { this.cookie = r.headers.get('set-cookie').split(';')[0]; this.me = await r.json(); }
    return r.status;
  }
  async call(method, path, body, type = 'application/json') {
    const headers = { Cookie: this.cookie ?? '', 'X-CSRF-Token': this.me?.csrf ?? '', ...(body ? { 'Content-Type': type } : {}) };
    const r = await fetch(this.base + '/api/v1' + path, { method, headers, body: body && type === 'application/json' ? JSON.stringify(body) : body });
    const text = await r.text();
    let json = null;
    try { json = JSON.parse(text); } catch { /* a file */ }
    return { status: r.status, json, text, headers: r.headers };
  }
  get(path) { return this.call('GET', path); }
  post(path, body) { return this.call('POST', path, body); }
  /** The readings that the live events with `query` tell while `act` runs and until one has come (at most 20 s). */
  async listen(query, act) {
    const stop = new AbortController(), got = [];
    const r = await fetch(`${this.base}/api/v1/events?${query}`, { headers: { Cookie: this.cookie }, signal: stop.signal });
    const read = (async () => {
      let held = '';
      for await (const part of r.body) {
        held += Buffer.from(part).toString();
        for (let i; (i = held.indexOf('\n\n')) >= 0; held = held.slice(i + 2)) {
          const data = /event: reading\ndata: (.*)/.exec(held.slice(0, i));
          if (data) got.push(JSON.parse(data[1]));
        }
      }
    })().catch(() => { /* aborted below */ });
    await act();
    await until(() => got.length);
    stop.abort();
    await read;
    return got;
  }
}

/** One lanfan server with a data directory of its own. engine: sqlite or postgres (LANFAN_TEST_PG). */
export class Server {
  static async make(lanfan, engine, { db, demo = true, more = [] } = {}) {
    const s = new Server();
    s.lanfan = lanfan;
    s.db = engine === 'postgres' ? db ?? process.env.LANFAN_TEST_PG : null;
    s.data = mkdtempSync('/tmp/lanfan-test-');
    s.port = await freePort();
    s.stationPort = await freePort();
    s.base = `http://127.0.0.1:${s.port}`;
    s.args = ['--data', s.data, '--port', s.port, '--station-port', s.stationPort, ...(demo ? ['--demo'] : []), ...more].map(String);
    if (s.db) s.args.push('--db', s.db);
    return s;
  }
  /** A command of the program to its end: { status, stdout, stderr }. */
  run(...a) { return spawnSync(this.lanfan, [...a, ...this.args], { encoding: 'utf8' }); }
  /** One statement behind the server's back; true when it went well. */
  touch(sql) {
    const r = this.db ? spawnSync('psql', ['-q', '-v', 'ON_ERROR_STOP=1', this.db, '-c', sql], { encoding: 'utf8' })
      : spawnSync('python3', ['-c', 'import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], timeout=10)\nc.execute(sys.argv[2])\nc.commit()', `${this.data}/lanfan.db`, sql], { encoding: 'utf8' });
    if (r.status !== 0) console.log(String(r.stderr).slice(0, 300));
    return r.status === 0;
  }
  /** The same while the scenario goes on. */
  runBeside(...a) { return new Promise((res) => spawn(this.lanfan, [...a, ...this.args], { stdio: 'ignore' }).once('exit', res)); }
  async start(env = {}) {
    this.process = spawn(this.lanfan, ['serve', ...this.args], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
    this.log = '';
    this.process.stderr.on('data', (d) => { this.log += d; if (/ error |Sanitizer/.test(d)) process.stderr.write(d); });
    const gone = () => this.process.exitCode !== null || this.process.signalCode !== null;
    const answers = await until(async () => { try { return gone() || (await fetch(this.base + '/healthz')).ok; } catch { return false; } }, 60000, 50);
    if (gone()) console.log(`# the server is gone: ${this.log.slice(-400)}`);
    return answers && !gone();
  }
  /** Exit code, or null when it was killed. */
  async stop(signal = 'SIGTERM') {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode !== null) return this.process?.exitCode;
    const gone = new Promise((r) => this.process.once('exit', r));
    this.process.kill(signal);
    return gone;
  }
  async remove() { await this.stop('SIGKILL'); rmSync(this.data, { recursive: true, force: true }); }
  async user(login, password) { const u = new User(this.base); u.status = await u.login(login, password); return u; }
}

/** CRC of HJ 212-2017 Annex A. */
export function crc(text) {
  let reg = 0xffff;
  for (const b of Buffer.from(text)) {
    reg = (reg >> 8) ^ b;
    for (let i = 0; i < 8; i++) reg = reg & 1 ? (reg >> 1) ^ 0xa001 : reg >> 1;
  }
  return reg.toString(16).toUpperCase().padStart(4, '0');
}
export const frame = (segment) => `##${String(Buffer.byteLength(segment)).padStart(4, '0')}${segment}${crc(segment)}\r\n`;

/** Local time of China as HJ 212 writes it: 14 digits. */
export const stamp = (ms) => new Date(ms + 8 * 3600e3).toISOString().replace(/[-:T]/g, '').slice(0, 14);
let qn = 0;
/** A lawful packet of 2017 that asks for an answer. items: "w01018-Avg=12.5,w01018-Flag=N;..." */
export function packet({ mn, cn = '2011', st = '32', pw = '123456', at = Date.now(), items = '', flag = 5, cp }) {
  const q = stamp(Date.now()) + String(qn++ % 1000).padStart(3, '0');
  return frame(`QN=${q};ST=${st};CN=${cn};PW=${pw};MN=${mn};Flag=${flag};CP=&&${cp ?? `DataTime=${stamp(at)}${items ? ';' + items : ''}`}&&`);
}

/** A station's connection. */
export class Station {
  constructor(port) { this.port = port; this.held = ''; this.answers = []; this.gone = false; }
  async open() {
    this.socket = net.connect(this.port, '127.0.0.1');
    this.socket.on('data', (d) => {
      this.held += d;
      for (let i; (i = this.held.indexOf('\r\n')) >= 0;) { this.answers.push(this.held.slice(0, i)); this.held = this.held.slice(i + 2); this.heard?.(this.answers.at(-1)); }
    });
    this.socket.on('close', () => { this.gone = true; });
    this.socket.on('error', () => { this.gone = true; });
    await new Promise((res, rej) => { this.socket.once('connect', res); this.socket.once('error', rej); });
    return this;
  }
  /** Sends raw frames and waits for as many answers; false when they do not come. */
  async send(frames, ms = 30000) {
    const want = this.answers.length + frames.length;
    this.socket.write(frames.join(''));
    return Boolean(await until(() => this.answers.length >= want, ms, 10));
  }
  close() { this.socket.destroy(); }
}
