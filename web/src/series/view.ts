import type { SeriesKind } from '@/api/types'
import { isoShanghai } from '@/lib/format'

/** What the series page shows. It lives in the address, so that a link shows the same curves. */
export interface SeriesView {
  stations: number[] // the first is the page's own
  factors: string[] // [] = the first that the station has
  kind: SeriesKind
  range: Range // 'custom': from and to
  from: string
  to: string // '' = now, and the curve grows
  window: [number, number] | null // the zoomed part of the range, epoch ms
  measured: boolean // flue gas as measured, not at reference oxygen
  share: boolean // as a share of the limit, so that unlike units compare
}
export type Range = '1h' | '24h' | '7d' | '30d' | '1y' | 'custom'
export const KINDS: SeriesKind[] = ['rtd', 'min', 'hour', 'day', 'hour_calc', 'day_calc']
export const RANGES: Record<Exclude<Range, 'custom'>, number> = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000, '30d': 2_592_000_000, '1y': 31_536_000_000 }
const USUAL: Record<SeriesKind, Range> = { rtd: '1h', min: '24h', hour: '7d', day: '1y', hour_calc: '7d', day_calc: '1y' }
/** The server takes 12 stations, 12 factors, 24 lines; more than 8 lines nobody can read. */
export const MAX_LINES = 8
/** A finger or a wheel can ask for no less than this. */
const NARROWEST = 10_000

type Query = Record<string, unknown>
const list = (v: unknown): string[] => [...new Set(String(v ?? '').split(',').filter(Boolean))]

export function viewOf(own: number, q: Query): SeriesView {
  const kind = KINDS.find((k) => k === q.kind) ?? 'hour'
  const others = list(q.with).map(Number).filter((n) => Number.isInteger(n) && n > 0 && n !== own)
  const range = q.from || q.to ? 'custom' : Object.hasOwn(RANGES, String(q.range)) ? (q.range as Range) : USUAL[kind]
  const w = list(q.w).map(Number)
  return {
    stations: [own, ...others].slice(0, MAX_LINES), factors: list(q.factor).slice(0, MAX_LINES), kind, range, from: String(q.from ?? ''), to: String(q.to ?? ''),
    window: w.length === 2 && w.every(Number.isFinite) && w[1]! - w[0]! >= NARROWEST ? [w[0]!, w[1]!] : null, share: q.share === '1', measured: q.measured === '1',
  }
}
/** Only what differs from the usual, so that addresses stay short. */
export function queryOf(v: SeriesView): Record<string, string> {
  const q: Record<string, string> = { kind: v.kind }
  if (v.stations.length > 1) q.with = v.stations.slice(1).join(',')
  if (v.factors.length) q.factor = v.factors.join(',')
  if (v.range === 'custom') Object.assign(q, v.from && { from: v.from }, v.to && { to: v.to })
  else if (v.range !== USUAL[v.kind]) q.range = v.range
  if (v.window) q.w = v.window.map(Math.round).join(',')
  if (v.share) q.share = '1'
  if (v.measured) q.measured = '1'
  return q
}
/** [from, to] in epoch ms; `now` ends a range that has no end of its own. */
export function spanOf(v: SeriesView, now: number): [number, number] {
  if (v.range !== 'custom') return [now - RANGES[v.range], now]
  const to = v.to ? Date.parse(v.to) : now
  const from = v.from ? Date.parse(v.from) : to - RANGES[USUAL[v.kind] as '1h']
  return [from, to]
}
/** A custom range in words of the interface. */
export function spanText([from, to]: [number, number]): { from: string; to: string } {
  return { from: isoShanghai(from), to: isoShanghai(to) }
}
/** The zoomed part when it lies within the range and is really smaller. */
export function windowOf(v: SeriesView, span: [number, number]): [number, number] | null {
  if (!v.window) return null
  const w: [number, number] = [Math.max(v.window[0], span[0]), Math.min(v.window[1], span[1])]
  return w[1] - w[0] >= NARROWEST && w[1] - w[0] < (span[1] - span[0]) * 0.995 ? w : null
}
export function toggled<T>(values: T[], v: T, most: number): T[] {
  return values.includes(v) ? values.filter((x) => x !== v) : [...values, v].slice(-most)
}
