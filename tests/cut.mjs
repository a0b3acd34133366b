// Every address of the interface, cut off: in the middle of the header, of the body, of the answer. Afterwards nothing is left behind:
// no connection, stream, cursor, transaction, open file or temporary file, and whoever comes next is served.
// usage: node cut.mjs LANFAN sqlite|postgres
import { readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { deflateSync } from 'node:zlib';
import { Checks, Server, until } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`cut ${engine}`), ok = (...a) => t.ok(...a);
let server;

/** A picture that does not pack, `side` points wide and high. */
function picture(side) {
  const chunk = (type, data) => { const b = Buffer.alloc(12 + data.length); b.writeUInt32BE(data.length); b.write(type, 4, 'latin1'); data.copy(b, 8); b.writeUInt32BE(crc32(b.subarray(4, 8 + data.length)), 8 + data.length); return b; };
  const head = Buffer.alloc(13), rows = Buffer.alloc(side * (side * 3 + 1));
  head.writeUInt32BE(side); head.writeUInt32BE(side, 4); head[8] = 8; head[9] = 2;
  for (let i = 0, x = 1; i < rows.length; i++) { x = (x * 1103515245 + 12345) >>> 0; rows[i] = i % (side * 3 + 1) ? x >>> 16 : 0; }
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}
function crc32(b) {
  let c = ~0;
  for (const x of b) { c ^= x; for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1; }
  return ~c >>> 0;
}

/** Sends `bytes`; resets after the first bytes of the answer (`read`), or as soon as they are sent. Gives back what came. */
function cut(bytes, read, ms = 20000) {
  return new Promise((res) => {
    let got = '';
    const c = net.connect(server.port, '127.0.0.1', () => c.write(bytes, () => { if (!read) setTimeout(end, 5); }));
    const end = () => { clearTimeout(timer); c.resetAndDestroy(); res(got); }, timer = setTimeout(end, ms);
    c.on('data', (d) => { got += d.toString('latin1').slice(0, 40); if (read) end(); });
    c.on('error', end);
    c.on('close', () => { clearTimeout(timer); res(got); });
  });
}

await t.run(async () => {
  server = await Server.make(lanfan, engine);
  ok('the demonstration city is filled', server.run('demo').status === 0);
  ok('the server starts', await server.start());
  ok('stations have sent', server.run('simulate', '--rounds', '2', '--every', '20').status === 0);
  const file = `${server.data}/rows.csv`;
  writeFileSync(file, ['名称,经度,纬度', ...Array.from({ length: 8000 }, (_, i) => `很长的导出${i}（虚构）${'；'.repeat(30)},118.06,36.81`)].join('\n'));
  ok('there is much to export', server.run('import', 'source', file).status === 0);
  const admin = await server.user('admin'), city = await server.user('city');
  const hash = (await admin.call('POST', '/files?name=a.png', picture(700), 'image/png')).json.hash;
  const api = await (await fetch(server.base + '/api/openapi.json')).json();
  const ops = Object.entries(api.paths).flatMap(([path, o]) => Object.entries(o).map(([m, op]) => ({ ...op, path, method: m.toUpperCase() })));
  ok('the interface is known', ops.length > 200, ops.length);

  const first = {};
  for (const o of ops.filter((x) => /_list$/.test(x.operationId))) first[o.path] = (await admin.get(`${o.path.slice(7)}?limit=1`)).json?.items?.[0]?.id ?? 1;
  const station = first['/api/v1/station'];
  const address = (o) => {
    const id = first[/^\/api\/v1\/\w+/.exec(o.path)?.[0]] ?? 1;
    const path = o.path.replace('{hash}', hash).replace(/\{(code|grid_code)\}/, '370302').replace(/\{\w+\}/g, id);
    const query = /series/.test(path) ? `?station=${station}&factor=a21026,a34004` : /import$/.test(path) ? '?kind=csv&dry=1' : /files$/.test(path) ? '?name=b.png' : '';
    return path + query;
  };
  const bodyOf = (o) => {
    if (o.method === 'GET') return null;
    if (/\/files$/.test(o.path)) return ['image/png', picture(400)];
    if (/\/import$/.test(o.path)) return ['text/csv', Buffer.from(`名称,经度,纬度\n${'丙厂（虚构）,118.06,36.81\n'.repeat(3000)}`)];
    return ['application/json', Buffer.from(JSON.stringify({ version: 1, note: 'x'.repeat(100000) }))];
  };
  const request = (o, user) => {
    const body = bodyOf(o), head = [`${o.method} ${address(o)} HTTP/1.1`, 'Host: x', 'Accept-Encoding: gzip'];
    if (user) head.push(`Cookie: ${user.cookie}`, `X-CSRF-Token: ${user.me.csrf}`);
    if (body) head.push(`Content-Type: ${body[0]}`, `Content-Length: ${body[1].length}`);
    return [Buffer.from(head.join('\r\n') + '\r\n\r\n'), body?.[1] ?? Buffer.alloc(0)];
  };
  /** One round over all addresses, eight at a time. */
  async function round() {
    const silent = [], work = [...ops];
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (let o; (o = work.pop());) {
        const user = /logout$/.test(o.path) ? null : admin, [head, body] = request(o, user);
        await cut(head.subarray(0, head.length >> 1), false);
        await cut(head.subarray(0, head.length - 2), false);
        if (body.length) await cut(Buffer.concat([head, body.subarray(0, body.length >> 1)]), false);
        await cut(Buffer.concat([head, body]), false); // gone before the answer
        if (!/^HTTP\/1\.1 [2-5]/.test(await cut(Buffer.concat([head, body]), true))) silent.push(`${o.method} ${o.path}`);
      }
    }));
    return silent;
  }
  const state = async () => {
    const text = await (await fetch(server.base + '/metrics', { headers: { Connection: 'close' } })).text();
    const of = (name) => Number(new RegExp(`^lanfan_${name} (\\d+)$`, 'm').exec(text)?.[1]);
    return { http_connections: of('http_connections'), http_streams: of('http_streams'), http_spooled_bytes: of('http_spooled_bytes'), db_cursors: of('db_cursors'), db_connections_held: of('db_connections_held'), open_files: of('open_files'), resident: of('resident_bytes') };
  };
  const none = { http_connections: 1, http_streams: 0, http_spooled_bytes: 0, db_cursors: 0, db_connections_held: 0 }; // http: the one that asks
  const quiet = async () => { const s = await state(); return Object.entries(none).every(([k, v]) => s[k] === v) && s; };
  const names = () => readdirSync(server.data, { recursive: true }).filter((f) => !/-(wal|shm|journal)$/.test(f)).sort().join('\n');

  const silent = await round(); // every connection to the database is open now, every file that stays is there
  ok('every address answers', silent.length === 0, silent.join(' '));
  const before = await until(quiet, 30000), files = names();
  ok('after the first round nothing is held', before, JSON.stringify(await state()));
  for (let i = 0; i < 2; i++) await round();
  const after = await until(async () => { const s = await quiet(); return s && s.open_files <= before.open_files && s; }, 30000) || await state();
  for (const [k, v] of Object.entries(none)) ok(`${k} is back at ${v}`, after[k] === v, after[k]);
  ok(`open files are back at ${before.open_files}`, after.open_files <= before.open_files, after.open_files);
  ok('no temporary file is left', names() === files, names().split('\n').filter((f) => !files.includes(f)).join(' '));
  console.log(`# memory: ${(before.resident / 1048576).toFixed(1)} MB before, ${(after.resident / 1048576).toFixed(1)} MB after`);
  if (!/asan|tsan/.test(lanfan)) ok('memory does not grow with what is cut', after.resident < before.resident + (12 << 20), after.resident - before.resident);
  ok('exports are served as before', (await Promise.all([city.get('/source.csv'), city.get('/source.xlsx')])).every((r) => r.status === 200));
  ok('so are writes', (await city.call('POST', '/source', { name: '丁厂（虚构）', lon: 118.06, lat: 36.81 })).status === 201);
  const audit = server.run('audit', 'verify');
  ok('the audit trail is good', audit.status === 0, audit.stderr);
  ok('it stops cleanly', (await server.stop()) === 0);
}, () => server?.remove());
