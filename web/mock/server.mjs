// A stand-in for the Lanfan server: plays the interface of doc/api.md over fixed data, serves the built pages. No dependency.
//   node mock/server.mjs [port]
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'
import * as city from './city.mjs'
import { children, features, locate, nameOf } from './grid.mjs'
import { dicts, metaFor, rooms } from './meta.mjs'
import * as rec from './records.mjs'
import { liveOf, packetOf, packetsOf, seriesOf, startPulse } from './telemetry.mjs'
import { sheet } from './xlsx.mjs'

const { Refusal } = rec
const PORT = Number(process.argv[2] ?? process.env.PORT ?? 8099)
const DIST = new URL('../dist/', import.meta.url).pathname
const sessions = new Map()
const wrong = new Map()
const files = new Map()
const streams = new Set()
const notices = [{ id: 1, at: city.iso(Date.now() - 36e5), zh: '有新的事项派给您：双杨镇工地扬尘', en: 'A matter was given to you', room: 'matter', row_id: 3, read: false }, { id: 2, at: city.iso(Date.now() - 72e5), zh: '事项已结案', en: 'A matter was closed', room: 'matter', row_id: 7, read: true }]

const CSP = "default-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', mjs: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml', json: 'application/json', geojson: 'application/geo+json' }

export function publish(event, data, grid = '') {
  for (const s of streams) if (!grid || rec.covers(s.me, { grid_code: grid })) s.res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}
const meJson = (p, s) => ({ id: p.id, login: p.login, name: p.name, role: p.role, role_zh: p.role_zh, role_en: p.role_en, grid_code: p.grid_code, grid_name: nameOf(p.grid_code), perms: [], csrf: s.csrf, must_change: p.must_change, demo: true, unread: notices.filter((n) => !n.read).length })

function login({ login: name, password }, set) {
  const tries = wrong.get(name) ?? { n: 0, until: 0 }
  if (tries.until > Date.now()) throw new Refusal(429, 'busy', '登录失败次数过多，账号暂时锁定。', null, { 'Retry-After': String(Math.ceil((tries.until - Date.now()) / 1000)) })
  const p = city.people.find((x) => x.login === name)
  if (!p || p.password !== password) {
    tries.n++
    if (tries.n >= 5) Object.assign(tries, { n: 0, until: Date.now() + 30000 })
    wrong.set(name, tries)
    throw new Refusal(401, 'login', '登录名或密码不对')
  }
  wrong.delete(name)
  const token = randomBytes(16).toString('hex')
  const s = { me: p, csrf: randomBytes(8).toString('hex') }
  sessions.set(token, s)
  set('Set-Cookie', `lanfan=${token}; Path=/; HttpOnly; SameSite=Strict`)
  return meJson(p, s)
}
function bench(me) {
  const list = city.matter.filter((m) => rec.covers(me, m))
  const d = Object.fromEntries(dicts.matter_state.map((s) => [s.code, s]))
  const item = (m) => ({ room: 'matter', id: m.id, title: m.title, state: m.state, state_zh: d[m.state].zh, state_en: d[m.state].en, grid_code: m.grid_code, grid_name: m.grid_name, due_at: m.due_at, light: m.light, verbs: rec.openVerbs('matter', me, m).filter((v) => v !== 'supervise') })
  const mine = list.map(item).filter((i) => i.verbs.length)
  const todo = mine.filter((i) => i.light !== 'red' && i.state !== 'closed')
  const overdue = mine.filter((i) => i.light === 'red')
  const done = list.filter((m) => rec.timeline('matter', m.id).some((t) => t.kind === 'move' && t.actor === me.id)).map((m) => ({ ...item(m), verbs: [] }))
  return { counts: { todo: todo.length, overdue: overdue.length, done: done.length }, todo: todo.slice(0, 50), overdue: overdue.slice(0, 50), done }
}
function exported(room, kind, rows, set) {
  const cols = rooms[room].fields.filter((f) => !f.masked && f.name !== 'version')
  const table = [cols.map((f) => f.zh), ...rows.map((r) => cols.map((f) => r[f.name + '_label'] ?? r[f.name] ?? ''))]
  set('Content-Disposition', `attachment; filename="${room}.${kind}"`)
  if (kind === 'xlsx') return { type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', body: sheet(table) }
  if (kind === 'csv') return { type: 'text/csv; charset=utf-8', body: '\ufeff' + table.map((r) => r.map((c) => `"${String(c).replace(/"/g, '""')}"`).join(',')).join('\r\n') }
  return { type: 'application/geo+json', body: JSON.stringify(mapOf(room, rows)) }
}
const mapOf = (room, rows) => ({ type: 'FeatureCollection', features: rows.slice(0, 5000).map((r) => ({ type: 'Feature', geometry: { type: 'Point', coordinates: [r.lon, r.lat] }, properties: { id: r.id, title: r[rooms[room].title_field], ...(room === 'matter' ? { state: r.state, light: r.light, category: r.category } : {}) } })) })
function imported(room, me, bytes, dry) {
  const text = bytes.toString('utf8').replace(/^\ufeff/, '')
  if (text.startsWith('PK')) throw new Refusal(422, 'invalid', '演示服务器只读 CSV')
  const rows = text.split(/\r?\n/).filter(Boolean).map((l) => l.split(','))
  const cols = rows[0].map((h) => rooms[room].fields.find((f) => f.zh === h || f.en === h || f.name === h))
  const refused = []
  let accepted = 0
  rows.slice(1).forEach((cells, i) => {
    const fields = Object.fromEntries(cols.flatMap((f, k) => (f ? [[f.name, cells[k] === '' || cells[k] === undefined ? null : f.type === 'real' ? Number(cells[k]) : cells[k]]] : [])))
    const miss = rooms[room].fields.find((f) => f.required && (fields[f.name] ?? null) === null)
    if (miss || !locate(fields.lon, fields.lat).length) refused.push({ row: i + 2, field: miss?.name ?? 'lon', message: miss ? '必填' : '位置不在网格内', cells })
    else if (dry) accepted++
    else accepted += rec.create(room, me, fields) ? 1 : 0
  })
  return { rows: rows.length - 1, accepted, refused, dry }
}

async function api(req, url, body, set) {
  const path = url.pathname.slice('/api/v1/'.length)
  const seg = path.split('/').map(decodeURIComponent)
  const q = url.searchParams
  const json = () => JSON.parse(body.toString() || '{}')
  if (path === 'hello') return { name: '蓝繁 Lanfan (mock)', version: '0', demo: true, logins: city.people.slice(0, 5).map((p) => ({ login: p.login, password: p.password, name: p.name, role_zh: p.role_zh, role_en: p.role_en })) }
  if (path === 'login') return login(json(), set)
  const s = sessions.get(/lanfan=(\w+)/.exec(req.headers.cookie ?? '')?.[1])
  if (!s) throw new Refusal(401, 'login', '请先登录')
  const { me } = s
  const scope = me.grid_code
  if (req.method !== 'GET' && req.headers['x-csrf-token'] !== s.csrf) throw new Refusal(403, 'denied', '请求缺少防伪标记')
  if (path === 'me') return meJson(me, s)
  if (path === 'logout') return void sessions.forEach((v, k) => v === s && sessions.delete(k))
  if (path === 'me/password') {
    const p = json()
    if (p.old !== me.password) throw new Refusal(422, 'invalid', '原密码不对', 'old')
    if (p.new.length < 10) throw new Refusal(422, 'invalid', '密码至少 10 位', 'new')
    Object.assign(me, { password: p.new, must_change: false })
    return
  }
  if (path === 'meta') return metaFor(me.role)
  if (path === 'bench') return bench(me)
  if (path === 'notices') return { items: notices.filter((n) => !q.get('unread') || !n.read) }
  if (path === 'notices/read') return void notices.forEach((n) => (json().all || json().ids?.includes(n.id)) && (n.read = true))
  if (path === 'grid/areas') return features(q.get('level'), q.get('parent'), scope === '*' ? '' : scope)
  if (path === 'grid/tree') return { items: children(q.get('parent'), scope) }
  if (path === 'grid/locate') {
    const chain = locate(Number(q.get('lon')), Number(q.get('lat')))
    return { code: chain.at(-1)?.code ?? null, chain: chain.map(({ code, name, level }) => ({ code, name, level })), officers: chain.some((c) => c.code === '370302116') ? [{ name: city.people[3].name, post_zh: '网格员', post_en: 'Officer', phone: null }] : [], zone: null }
  }
  if (path === 'station/live') return { items: city.station.filter((x) => rec.covers(me, x)).map(liveOf) }
  if (seg[0] === 'station' && seg[2] === 'series') return { series: seriesOf(rec.find('station', me, seg[1]), q) }
  if (seg[0] === 'station' && seg[2] === 'packets') return seg[3] ? packetOf(rec.find('station', me, seg[1]), Number(seg[3])) : packetsOf(rec.find('station', me, seg[1]), q.get('after'))
  if (path === 'files') {
    const hash = createHash('sha256').update(body).digest('hex')
    files.set(hash, { info: { hash, name: q.get('name'), type: req.headers['content-type'], size: body.length }, body })
    return [201, files.get(hash).info]
  }
  if (seg[0] === 'files') {
    const f = files.get(seg[1])
    if (!f) throw new Refusal(404, 'not_found', '没有这个文件')
    return { raw: { type: f.info.type, body: f.body } }
  }
  return records(req, seg, q, me, body, json, set)
}
function records(req, seg, q, me, body, json, set) {
  const file = /^(\w+)\.(xlsx|csv|geojson)$/.exec(seg[0])
  if (file && rooms[file[1]]) return { raw: exported(file[1], file[2], rec.select(file[1], me, q), set) }
  const [room, id, what] = seg
  if (!rooms[room]) throw new Refusal(404, 'not_found', '没有这个地址')
  const changed = (row, verb) => publish('record', { room, id: row.id, verb }, row.grid_code)
  if (id === 'template.xlsx') return { raw: exported(room, 'xlsx', [], set) }
  if (id === 'options') {
    const want = Number(q.get('id'))
    const t = rooms[room].title_field
    const rows = rec.store[room].filter((r) => (rec.covers(me, r) || room === 'account') && (want ? r.id === want : !q.get('q') || r[t].includes(q.get('q'))))
    return { items: rows.slice(0, 20).map((r) => ({ id: r.id, label: r[t] })) }
  }
  if (id === 'map') return mapOf(room, rec.select(room, me, q))
  if (id === 'import') return imported(room, me, body, q.get('dry') === '1')
  if (!id && req.method === 'GET') {
    const rows = rec.select(room, me, q)
    const at = Number(q.get('after') ?? 0)
    const n = Number(q.get('limit') ?? 50)
    return { items: rows.slice(at, at + n).map((r) => rec.shown(room, r)), next: at + n < rows.length ? String(at + n) : null, total: rows.length, more: false }
  }
  if (!id) {
    const row = rec.create(room, me, json())
    changed(row, 'create')
    return [201, rec.detail(room, me, row)]
  }
  const row = rec.find(room, me, id)
  if (!what && req.method === 'PATCH') {
    rec.edit(room, me, row, json())
    changed(row, 'edit')
  } else if (what === 'timeline') return { items: rec.timeline(room, row.id) }
  else if (what === 'clock') return { steps: room === 'matter' ? rec.clock(row.id) : [] }
  else if (what === 'reveal') return { ...rec.detail(room, me, row), reporter_name: row.reporter_name ?? '（无）' }
  else if (what === 'comments') {
    const c = json()
    rec.log(room, row.id, me, { kind: 'comment', note: c.note, files: (c.files ?? []).map((h) => files.get(h).info) })
    changed(row, 'comment')
    return [201, {}]
  } else if (what) {
    rec.move(room, me, row, what, json(), (h) => files.get(h).info)
    changed(row, what)
  }
  return rec.detail(room, me, row)
}

function page(path, res) {
  const base = new URL('../../data', import.meta.url).pathname
  const want = path.startsWith('/basemap/') ? base + path : DIST + (path === '/' ? 'index.html' : path.slice(1))
  const file = [want, want + '.gz', ...(path.includes('.') ? [] : [DIST + 'index.html', DIST + 'index.html.gz'])].find((f) => !f.includes('..') && existsSync(f) && !f.endsWith('/'))
  if (!file) return res.writeHead(404).end()
  const type = TYPES[file.replace(/\.gz$/, '').split('.').pop()] ?? 'application/octet-stream'
  const bytes = readFileSync(file)
  res.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff' })
  res.end(file.endsWith('.gz') ? gunzipSync(bytes) : bytes)
}
const server = createServer(async (req, res) => {
  const url = new URL(req.url, 'http://x')
  const set = (k, v) => res.setHeader(k, v)
  if (!url.pathname.startsWith('/api/')) return page(url.pathname, res)
  const chunks = []
  for await (const c of req) chunks.push(c)
  try {
    if (url.pathname === '/api/v1/events') {
      const s = sessions.get(/lanfan=(\w+)/.exec(req.headers.cookie ?? '')?.[1])
      if (!s) throw new Refusal(401, 'login', '请先登录')
      res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
      res.write(': hello\n\n')
      const stream = { me: s.me, res }
      streams.add(stream)
      req.on('close', () => streams.delete(stream))
      return
    }
    const out = await api(req, url, Buffer.concat(chunks), set)
    if (out?.raw?.body !== undefined) return res.writeHead(200, { 'Content-Type': out.raw.type }).end(out.raw.body)
    if (out === undefined) return res.writeHead(204).end()
    const [status, data] = Array.isArray(out) ? out : [200, out]
    res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(data))
  } catch (e) {
    if (!(e instanceof Refusal)) console.error(e)
    const status = e.status ?? 500
    res.writeHead(status, { 'Content-Type': 'application/problem+json; charset=utf-8', ...(e.extra ?? {}) }).end(JSON.stringify({ type: 'about:blank', title: e.code ?? 'internal', status, code: e.code ?? 'internal', detail: e.message, field: e.field ?? null }))
  }
})
server.listen(PORT, '127.0.0.1', () => console.log(`mock on http://127.0.0.1:${server.address().port}`))
startPulse(publish)
