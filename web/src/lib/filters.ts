import type { Room } from '@/api/types'

/** What the address says about a list or a map: everything needed to restore the same view. */
export interface View {
  layer: string
  q: string
  sort: string
  /** w,s,e,n in degrees, or empty */
  bbox: string
  /** lon,lat,zoom of the map, or empty */
  at: string
  sel: number | null
  /** field filters as the API takes them: state=a,b  from_due_at=...  grid_code=370302 */
  f: Record<string, string>
}
type Query = Record<string, string | null | (string | null)[] | undefined>
const OWN = new Set(['layer', 'q', 'sort', 'bbox', 'at', 'sel', 'new', 'next'])

const first = (v: Query[string]): string => (Array.isArray(v) ? (v[0] ?? '') : (v ?? ''))

export function validBbox(s: string): boolean {
  const n = s.split(',').map(Number)
  return n.length === 4 && n.every(Number.isFinite) && n[0]! < n[2]! && n[1]! < n[3]! && Math.abs(n[0]!) <= 180 && Math.abs(n[3]!) <= 90
}
export function parseAt(s: string): [number, number, number] | null {
  const n = s.split(',').map(Number)
  return s && n.length === 3 && n.every(Number.isFinite) && Math.abs(n[0]!) <= 180 && Math.abs(n[1]!) <= 90 ? [n[0]!, n[1]!, n[2]!] : null
}

export function parseView(query: Query, layer = 'matter'): View {
  const f: Record<string, string> = {}
  for (const [k, v] of Object.entries(query)) if (!OWN.has(k) && first(v)) f[k] = first(v)
  const bbox = first(query.bbox)
  const at = first(query.at)
  const sel = Number(first(query.sel))
  return {
    layer: first(query.layer) || layer,
    q: first(query.q),
    sort: first(query.sort),
    bbox: validBbox(bbox) ? bbox : '',
    at: parseAt(at) ? at : '',
    sel: Number.isSafeInteger(sel) && sel > 0 ? sel : null,
    f,
  }
}

/** Back to the address; what has its default is left out, names in a steady order so that equal views have equal addresses. */
export function viewQuery(v: View, layer = 'matter'): Record<string, string> {
  const out: Record<string, string> = {}
  if (v.layer !== layer) out.layer = v.layer
  for (const k of Object.keys(v.f).sort()) if (v.f[k]) out[k] = v.f[k]!
  if (v.q) out.q = v.q
  if (v.sort) out.sort = v.sort
  if (v.bbox) out.bbox = v.bbox
  if (v.at) out.at = v.at
  if (v.sel) out.sel = String(v.sel)
  return out
}

const RANGE = new Set(['int', 'real', 'money', 'day', 'ms'])

/** Names the server takes as filters for this room; it refuses unknown ones. */
export function filterNames(room: Room): Set<string> {
  const names = new Set<string>()
  for (const field of room.fields) {
    if (field.name === 'grid_code') names.add('grid_code')
    if (!field.filter) continue
    names.add(field.name)
    if (RANGE.has(field.type)) {
      names.add('from_' + field.name)
      names.add('to_' + field.name)
    }
  }
  if (room.map) names.add('bbox')
  return names
}

/** The parameters of list, map and export for this view. */
export function listParams(room: Room, v: View): Record<string, string> {
  const names = filterNames(room)
  const out: Record<string, string> = {}
  for (const [k, val] of Object.entries(v.f)) if (val && names.has(k)) out[k] = val
  if (v.q) out.q = v.q
  if (v.bbox && names.has('bbox')) out.bbox = v.bbox
  if (v.sort && room.fields.some((field) => field.name === v.sort.replace(/^-/, ''))) out.sort = v.sort
  return out
}

export function splitCodes(s: string | undefined): string[] {
  return s ? s.split(',').filter(Boolean) : []
}
export function inBbox(bbox: string, lon: number | null, lat: number | null): boolean {
  if (!bbox) return true
  if (lon === null || lat === null) return false
  const [w, s, e, n] = bbox.split(',').map(Number) as [number, number, number, number]
  return lon >= w && lon <= e && lat >= s && lat <= n
}
/** The next sort when a heading is pressed: up, down, default. */
export function turnSort(now: string, name: string): string {
  return now === name ? '-' + name : now === '-' + name ? '' : name
}
