// The description of the interface against the interface: every address that is told is there, asks who is calling and what he may,
// refuses what is not a body, and names its methods.
// usage: node openapi.mjs LANFAN sqlite|postgres
import { Checks, Server } from './lib.mjs';
const [, , lanfan, engine] = process.argv;
const t = new Checks(`openapi ${engine}`);
let server;

/** The names that an object of the text has twice. */
function twice(text) {
  const found = [], open = [];
  for (const m of text.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?|[{}]/g)) {
    if (m[0] === '{') open.push(new Set());
    else if (m[0] === '}') open.pop();
    else if (m[2]) { if (open.at(-1).has(m[1])) found.push(m[1]); open.at(-1).add(m[1]); }
  }
  return found;
}

await t.run(async () => {
  server = await Server.make(lanfan, engine);
  t.ok('the demonstration city is filled', server.run('demo').status === 0);
  t.ok('the server starts', await server.start());
  const text = await (await fetch(server.base + '/api/openapi.json')).text(), api = JSON.parse(text);
  t.ok('no name twice', twice(text).length === 0, twice(text).join(' '));
  const ops = Object.entries(api.paths).flatMap(([path, o]) => Object.entries(o).map(([m, op]) => ({ ...op, path, method: m.toUpperCase() })));
  const ids = ops.map((o) => o.operationId);
  t.ok('operations have names of their own', new Set(ids).size === ids.length && ids.length > 200, ids.filter((x, i) => ids.indexOf(x) !== i).join(' '));
  const refs = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((m) => m[1]);
  t.ok('every schema that is named is there', refs.every((r) => api.components.schemas[r]), refs.filter((r) => !api.components.schemas[r]).join(' '));

  const admin = await server.user('admin'), officer = await server.user('officer');
  const address = (o) => server.base + o.path.replace(/\{(\w+)\}/g, '1') + (/series/.test(o.path) ? '?station=1&factor=w01018' : '');
  const call = async (o, user, body) => {
    const headers = { ...(user ? { Cookie: user.cookie, 'X-CSRF-Token': user.me.csrf } : {}), ...(o.method === 'GET' ? {} : { 'Content-Type': 'application/json' }) };
    const stop = new AbortController();
    const r = await fetch(address(o), { method: o.method, headers, body: o.method === 'GET' ? undefined : body ?? '{}', signal: stop.signal });
    const type = r.headers.get('content-type') ?? '';
    if (type.startsWith('text/event-stream')) { stop.abort(); return { status: r.status, type }; }
    const answer = await r.text();
    return { status: r.status, type, answer, json: /json/.test(type) && answer ? JSON.parse(answer) : null };
  };
  const wrong = async (what, list, fine) => {
    const bad = [];
    for (const o of list) { const why = await fine(o); if (why) bad.push(`${o.path ? `${o.method} ${o.path}` : o}: ${why}`); }
    t.ok(what, list.length > 0 && bad.length === 0, bad.slice(0, 8).join('; '));
  };
  const open = (o) => o['x-right'] === 'public', leaves = (o) => /(login|logout|password)$/.test(o.path);
  await wrong('without a log-in every address but the public ones answers 401', ops.filter((o) => !open(o)), async (o) => { const r = await call(o, null); return r.status !== 401 && r.status; });
  await wrong('without the right an address answers 403', ops.filter((o) => o['x-right'] && !open(o) && !officer.me.perms.includes(o['x-right'])), async (o) => {
    const r = await call(o, officer); // a move is looked for before its right is asked: the row may be elsewhere
    return r.status !== 403 && !(r.status === 404 && /\{id\}\//.test(o.path)) && !(o.method !== 'GET' && r.status === 422) && `${r.status} ${r.answer?.slice(0, 80)}`;
  });
  await wrong('a problem is told as one, nothing is the fault of the server', ops.filter((o) => !leaves(o)), async (o) => {
    const r = await call(o, admin);
    if (r.status >= 500) return `${r.status} ${r.answer}`;
    return r.status >= 400 && (!r.type.startsWith('application/problem+json') || r.json.status !== r.status || !r.json.detail) && `${r.status} ${r.type}`;
  });
  await wrong('a body that is no JSON object is refused with 422', ops.filter((o) => o.method !== 'GET' && !leaves(o) && o.requestBody?.content['application/json']), async (o) => {
    for (const body of ['[1]', '{"a":', '{"a":1,"a":2}', 'null']) { const r = await call(o, admin, body); if (r.status !== 422 && r.status !== 404) return `${body}: ${r.status}`; }
    return null;
  });
  await wrong('lists and records are what is described', ops.filter((o) => o.method === 'GET' && o.responses['200']?.content?.['application/json']), async (o) => {
    const name = o.responses['200'].content['application/json'].schema.$ref.split('/').at(-1), schema = api.components.schemas[name], r = await call(o, admin);
    if (r.status === 404) return null; // no row 1
    const missing = (schema.required ?? []).filter((k) => !(k in r.json)), unknown = /_list$/.test(name) ? [] : Object.keys(r.json).filter((k) => !(k in schema.properties) && !/^_|_(label|sealed)$|^grid_name$|^light$|^due_at$/.test(k));
    return missing.length + unknown.length > 0 && `${name} lacks ${missing}, knows more: ${unknown}`;
  });
  await wrong('another method is refused with 405 and Allow', Object.keys(api.paths), async (path) => {
    const r = await fetch(server.base + path.replace(/\{(\w+)\}/g, '1'), { method: 'DELETE', headers: { Cookie: admin.cookie, 'X-CSRF-Token': admin.me.csrf } });
    const allow = r.headers.get('allow') ?? '', told = Object.keys(api.paths[path]).map((m) => m.toUpperCase());
    return (r.status !== 405 || told.some((m) => !allow.includes(m))) && `${r.status} Allow: ${allow}`;
  });
  t.ok('the server says nothing of errors', !/ error /.test(server.log), server.log.split('\n').filter((l) => / error /.test(l)).slice(0, 3).join(' '));
  t.ok('it stops cleanly', (await server.stop()) === 0);
}, () => server?.remove());
