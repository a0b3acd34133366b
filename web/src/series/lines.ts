import type { Series, SeriesPoint } from '@/api/types'

/** HJ 212-2017 table 8: N normal; anything else is marked on the curve. */
const NORMAL = new Set(['', 'N', 'n'])
export type Xy = [number, number | null]

/** What makes the numbers of a line comparable: as they are, or in per cent of the highest limit (of the highest value without one). */
export function scaleOf(s: Series, share: boolean): number {
  if (!share) return 1
  const top = Math.max(...s.limits.map((l) => l.high ?? -Infinity))
  const whole = Number.isFinite(top) && top > 0 ? top : Math.abs(s.stat.max ?? 0) || 1
  return 100 / whole
}
/** The line for the chart: broken where the server found a gap, never drawn across it. */
export function drawn(s: Series, scale = 1): Xy[] {
  const out: Xy[] = []
  let g = 0
  for (const p of s.points) {
    const gap = s.gaps[g]
    if (gap && p[0] >= gap[1]) {
      if (out.length) out.push([gap[0], null])
      while (s.gaps[g] && p[0] >= s.gaps[g]![1]) g++
    }
    out.push([p[0], p[1] === null ? null : p[1] * scale])
  }
  return out
}
export function flagged(s: Series, scale = 1): { at: number; value: number; flag: string }[] {
  return s.points.flatMap((p) => (p[1] !== null && p[2] && !NORMAL.has(p[2]) ? [{ at: p[0], value: p[1] * scale, flag: p[2] }] : []))
}
/** Limits as steps: a limit holds from its first to its last day, the next one need not touch it. */
export function limitSteps(s: Series, side: 'high' | 'low', scale = 1): Xy[] {
  return s.limits.flatMap((l): Xy[] => (l[side] === null ? [] : [[l.from, l[side] * scale], [l.to, l[side] * scale], [l.to, null]]))
}
/** Coarse points outside the window, fine ones inside it. */
export function refined(coarse: Series, fine: Series | undefined, window: [number, number]): Series {
  if (!fine) return coarse
  const points = [...coarse.points.filter((p) => p[0] < window[0]), ...fine.points, ...coarse.points.filter((p) => p[0] >= window[1])]
  return { ...coarse, points }
}
/** A reading that has just come, at the end of its line; one that is there already is replaced. */
export function appended(s: Series, at: number, value: number | null, flag: string | null): Series {
  const last = s.points.at(-1)
  if (last && at < last[0]) return s
  const point: SeriesPoint = [at, value, flag, null, null]
  const fresh = !last || last[0] !== at
  const over = value !== null && s.limits.some((l) => at >= l.from && at < l.to && ((l.high !== null && value > l.high) || (l.low !== null && value < l.low)))
  const stat = { ...s.stat, n: s.stat.n + Number(fresh), values: s.stat.values + Number(fresh && value !== null), over: s.stat.over + Number(fresh && over) }
  if (value !== null) {
    if (stat.max === null || value > stat.max) Object.assign(stat, { max: value, max_at: at })
    if (stat.min === null || value < stat.min) Object.assign(stat, { min: value, min_at: at })
  }
  return { ...s, stat, points: [...(fresh ? s.points : s.points.slice(0, -1)), point] }
}
/** Time without values, in ms, and its share of the range up to now. */
export function missing(s: Series, span: [number, number], now: number): { ms: number; share: number } {
  const ms = s.gaps.reduce((sum, [a, b]) => sum + b - a, 0)
  const whole = Math.min(span[1], now) - span[0]
  return { ms, share: whole > 0 ? Math.min(1, ms / whole) : 0 }
}
