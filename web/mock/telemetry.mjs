// What the stations say: latest values, series with gaps and flags, packets, and a pulse.
import { FACTORS, fate, iso, station, valueOf } from './city.mjs'

const last = new Map()
export function liveOf(s) {
  const state = fate(s)
  const at = state === 'offline' ? Date.now() - 5 * 3600e3 : (last.get(s.id) ?? Date.now() - 40000)
  const values = FACTORS[s.kind].map((f) => {
    const value = valueOf(s, f, at)
    return { factor: f[0], zh: f[1], en: f[2], unit: f[3], kind: 'rtd', value, flag: state === 'fault' ? 'D' : 'N', at: iso(at), limit: f[4], exceed: f[4] !== null && value > f[4] }
  })
  return { id: s.id, name: s.name, kind: s.kind, lon: s.lon, lat: s.lat, grid_code: s.grid_code, values, state: state === 'offline' || state === 'fault' ? state : values.some((v) => v.exceed) ? 'exceed' : 'normal', last_at: iso(at) }
}
const STEP = { rtd: 60e3, min: 600e3, hour: 3600e3, day: 86400e3 }
export function seriesOf(s, q) {
  const step = STEP[q.get('kind')] ?? STEP.hour
  const from = Math.ceil(Date.parse(q.get('from')) / step) * step
  const to = Date.parse(q.get('to'))
  return (q.get('factor') ?? '').split(',').flatMap((code) => {
    const f = FACTORS[s.kind].find((x) => x[0] === code)
    if (!f) return []
    const points = []
    for (let at = from, i = 0; at <= to && i < 2000; at += step, i++) {
      const k = Math.floor(at / step) % 41
      if (k > 30 && k < 34) continue // a gap: the line must not cross it
      const v = valueOf(s, f, at)
      points.push([at, v, k === 9 ? 'C' : k === 20 ? 'D' : 'N', v * 0.95, v * 1.05])
    }
    return [{ factor: f[0], zh: f[1], en: f[2], unit: f[3], limit: f[4], points }]
  })
}
export function packetOf(s, id) {
  const at = Date.parse('2026-11-24T19:00:00+08:00') + id * 60000
  const time = iso(at).replace(/[-:T]/g, '').slice(0, 14)
  const cp = FACTORS[s.kind].map((f) => `${f[0]}-Rtd=${valueOf(s, f, at)},${f[0]}-Flag=N`).join(';')
  const raw = `##0200QN=${time}000;ST=31;CN=2011;PW=123456;MN=${s.mn};Flag=5;CP=&&DataTime=${time};${cp}&&8A41`
  const bad = id % 13 === 5
  return { id, received_at: iso(at), qn: time + '000', cn: '2011', cn_zh: '污染物实时数据', cn_en: 'Real-time data', peer: '127.0.0.1', verdict: bad ? 'bad' : 'good', note: bad ? 'CRC 校验不符' : null, readings: bad ? 0 : FACTORS[s.kind].length, raw,
    fields: bad ? [] : [{ code: 'DataTime', stat: '', value: time, zh: null, unit: null }, ...FACTORS[s.kind].flatMap((f) => [{ code: f[0], stat: 'Rtd', value: String(valueOf(s, f, at)), zh: f[1], unit: f[3] }, { code: f[0], stat: 'Flag', value: 'N', zh: f[1], unit: null }])] }
}
export function packetsOf(s, after) {
  const top = after ? Number(after) - 1 : 180
  const items = Array.from({ length: 50 }, (_, i) => top - i).filter((i) => i > 0).map((i) => packetOf(s, i))
  return { items: items.map(({ fields, ...p }) => p), next: top > 50 ? String(items.at(-1).id) : null }
}
export function startPulse(publish) {
  let turn = 0
  setInterval(() => {
    const s = station[turn++ % station.length]
    if (fate(s) === 'offline') return
    const at = Date.now()
    last.set(s.id, at)
    for (const f of FACTORS[s.kind]) publish('reading', { station_id: s.id, factor: f[0], kind: 'rtd', at: iso(at), value: valueOf(s, f, at), flag: fate(s) === 'fault' ? 'D' : 'N' }, s.grid_code)
  }, 700).unref()
}
