// Lists, details, moves, clocks: what the kernel does, in memory.
import * as city from './city.mjs'
import { locate, nameOf } from './grid.mjs'
import { dicts, rooms } from './meta.mjs'

export const store = { matter: city.matter, station: city.station, alarm: city.alarm, source: city.source, account: city.people }
const { iso } = city
export class Refusal extends Error {
  constructor(status, code, detail, field = null, extra = {}) {
    super(detail)
    Object.assign(this, { status, code, field, extra })
  }
}
export const covers = (me, row) => me.grid_code === '*' || (row.grid_code ?? '').startsWith(me.grid_code)
const history = new Map()
const steps = new Map()
const key = (room, id) => `${room}/${id}`

function openStep(row, at = Date.now()) {
  const list = steps.get(row.id) ?? []
  const last = list.at(-1)
  if (last && !last.ended) last.ended = at
  if (!rooms.matter.final.includes(row.state)) list.push({ state: row.state, started: at, ended: null, holder: row.officer_id_label, minutes: row.state === 'accepted' ? 240 : 60 })
  steps.set(row.id, list)
}
for (const m of city.matter) {
  const at = Date.parse(m.found_at)
  history.set(key('matter', m.id), [{ at: iso(at), actor: null, actor_name: null, verb: 'create', verb_zh: '新建', verb_en: 'Created', from: null, to: 'found', note: null, files: [], diff: [], kind: 'create' }])
  openStep(m, at)
}
export const timeline = (room, id) => history.get(key(room, id)) ?? []
export function log(room, id, me, entry) {
  const list = timeline(room, id)
  list.push({ at: iso(Date.now()), actor: me.id, actor_name: me.name, from: null, to: null, note: null, files: [], diff: [], ...entry })
  history.set(key(room, id), list)
}

export function clock(id) {
  return (steps.get(id) ?? []).map((s) => {
    const end = s.ended ?? Date.now()
    const used = Math.floor((end - s.started) / 60000)
    const share = used / s.minutes
    const d = dicts.matter_state.find((x) => x.code === s.state)
    return { state: s.state, state_zh: d.zh, state_en: d.en, holder_id: null, holder_name: s.holder, holder_role_zh: '网格员', holder_role_en: 'Grid officer', started_at: iso(s.started), due_at: iso(s.started + s.minutes * 60000), ended_at: s.ended ? iso(s.ended) : null,
      limit: s.minutes, unit: 'minute', unit_zh: '分钟（不分昼夜）', unit_en: 'minutes, day and night', used_minutes: used, limit_minutes: s.minutes, light: share > 1 ? 'red' : share > 0.8 ? 'yellow' : 'green', escalated: share > 1.5 ? 1 : 0,
      sheet: [{ from: iso(s.started), to: iso(end), minutes: used, counted: true, why_zh: '紧急时限，昼夜连续计时', why_en: 'urgent: counted day and night' }] }
  })
}

const OWN = new Set(['q', 'sort', 'limit', 'after', 'bbox'])
export function select(room, me, params) {
  const r = rooms[room]
  const names = new Map(r.fields.filter((f) => f.filter).map((f) => [f.name, f]))
  let rows = store[room].filter((x) => covers(me, x))
  for (const [name, value] of params) {
    if (OWN.has(name)) continue
    const range = /^(from|to)_(.+)$/.exec(name)
    const f = names.get(range ? range[2] : name)
    if (!f) throw new Refusal(422, 'invalid', `没有这个筛选条件: ${name}`, name)
    if (range) rows = rows.filter((x) => x[f.name] !== null && (range[1] === 'from' ? cmp(x[f.name], value) >= 0 : cmp(x[f.name], value) <= 0))
    else if (name === 'grid_code') rows = rows.filter((x) => x.grid_code.startsWith(value))
    else rows = rows.filter((x) => value.split(',').includes(String(x[name])))
  }
  const q = params.get('q')?.toLowerCase()
  if (q) rows = rows.filter((x) => r.fields.some((f) => f.search && String(x[f.name] ?? '').toLowerCase().includes(q)))
  const bbox = params.get('bbox')?.split(',').map(Number)
  if (bbox) rows = rows.filter((x) => x.lon >= bbox[0] && x.lon <= bbox[2] && x.lat >= bbox[1] && x.lat <= bbox[3])
  const sort = params.get('sort') || '-id'
  const by = sort.replace('-', '')
  return [...rows].sort((a, b) => (sort[0] === '-' ? -1 : 1) * cmp(a[by], b[by]))
}
function cmp(a, b) {
  if (a === b) return 0
  if (a === null || a === undefined) return 1
  if (b === null || b === undefined) return -1
  return typeof a === 'number' ? a - Number(b) : /^\d{4}-\d\d-\d\dT/.test(String(a)) ? Date.parse(a) - Date.parse(b) : String(a) < String(b) ? -1 : 1
}
export function shown(room, row, all = false) {
  const out = { id: row.id, version: row.version, grid_name: row.grid_name ?? nameOf(row.grid_code) }
  for (const f of rooms[room].fields) {
    if (!all && !f.list) continue
    out[f.name] = f.masked ? null : (row[f.name] ?? null)
    if (f.ref) out[f.name + '_label'] = row[f.name + '_label'] ?? null
  }
  return out
}
export function openVerbs(room, me, row) {
  return rooms[room].verbs.filter((v) => v.from.includes(row.state) && v.roles.includes(me.role) && (me.role !== 'officer' || row.officer_id === me.id)).map((v) => v.name)
}
export const detail = (room, me, row) => ({ ...shown(room, row, true), _verbs: openVerbs(room, me, row), _edit: rooms[room].edit.includes(me.role), _reveal: room === 'matter' && me.role !== 'officer' })
export function find(room, me, id) {
  const row = store[room]?.find((x) => x.id === Number(id))
  if (!row || !covers(me, row)) throw new Refusal(404, 'not_found', '没有这条记录，或不在您的网格内')
  return row
}
function put(room, row, fields, mode) {
  const diff = []
  for (const f of rooms[room].fields) {
    if (!(f.name in fields) || f.readonly || (f.once && mode === 'edit')) continue
    const v = fields[f.name]
    if ((f.type === 'real' || f.type === 'int') && v !== null && typeof f.max === 'number' && (v < f.min || v > f.max)) throw new Refusal(422, 'invalid', `${f.zh}应在 ${f.min} 与 ${f.max} 之间`, f.name)
    if (v !== (row[f.name] ?? null)) diff.push({ field: f.name, was: row[f.name] ?? null, now: v })
    row[f.name] = v
    if (f.ref) row[f.name + '_label'] = store[f.ref]?.find((x) => x.id === v)?.name ?? null
  }
  return diff
}
export function create(room, me, fields) {
  if (!rooms[room].create.includes(me.role)) throw new Refusal(403, 'denied', '您没有新建的权限')
  for (const f of rooms[room].fields) if (f.required && (fields[f.name] ?? null) === null) throw new Refusal(422, 'invalid', `请填写${f.zh}`, f.name)
  const chain = locate(fields.lon, fields.lat)
  const code = chain.at(-1)?.code
  if (!code || !covers(me, { grid_code: code })) throw new Refusal(422, 'invalid', '位置不在您的网格内', 'lon')
  const id = Math.max(...store[room].map((x) => x.id)) + 1
  const row = { id, version: 1, grid_code: code, grid_name: nameOf(code) }
  const diff = put(room, row, fields, 'create')
  if (room === 'matter') Object.assign(row, { state: 'found', no: `2026-${String(id).padStart(6, '0')}`, light: 'green', due_at: iso(Date.now() + 36e5), found_at: row.found_at ?? iso(Date.now()), officer_id: null, officer_id_label: null })
  store[room].push(row)
  log(room, id, me, { verb: 'create', verb_zh: '新建', verb_en: 'Created', to: row.state ?? null, kind: 'create', diff })
  if (room === 'matter') openStep(row)
  return row
}
function checkVersion(row, version) {
  if (version !== row.version) throw new Refusal(409, 'conflict', '这条记录刚被他人修改，请刷新')
}
export function edit(room, me, row, { version, ...fields }) {
  if (!rooms[room].edit.includes(me.role)) throw new Refusal(403, 'denied', '您没有修改的权限')
  checkVersion(row, version)
  const diff = put(room, row, fields, 'edit')
  row.version++
  log(room, row.id, me, { verb: 'edit', verb_zh: '修改', verb_en: 'Edited', kind: 'edit', diff })
}
export function move(room, me, row, name, { version, note = '', files = [], fields = {} }, fileOf) {
  const v = rooms[room].verbs.find((x) => x.name === name)
  if (!v || !openVerbs(room, me, row).includes(name)) throw new Refusal(409, 'conflict', '当前状态不能这样办理，请刷新')
  checkVersion(row, version)
  if (v.need_note && !note) throw new Refusal(422, 'invalid', '请填写意见', 'note')
  if (v.need_photo && !files.length) throw new Refusal(422, 'invalid', '请上传照片', 'files')
  for (const s of v.sets) if (s.endsWith('!') && !fields[s.slice(0, -1)]) throw new Refusal(422, 'invalid', '请填写', s.slice(0, -1))
  const from = row.state
  const was = row.officer_id
  if (fields.officer_id) Object.assign(row, { officer_id: fields.officer_id, officer_id_label: store.account.find((x) => x.id === fields.officer_id)?.name })
  if (fields.result) row.result = fields.result
  if (v.to) row.state = v.to
  if (name === 'handle') row.handled_at = iso(Date.now())
  if (name === 'close') Object.assign(row, { closed_at: iso(Date.now()), light: 'none', due_at: null })
  row.version++
  log(room, row.id, me, { verb: name, verb_zh: v.zh, verb_en: v.en, from, to: row.state, note: note || null, files: files.map(fileOf), kind: 'move', diff: fields.officer_id ? [{ field: 'officer_id', was, now: row.officer_id }] : [] })
  if (v.to) openStep(row)
}
