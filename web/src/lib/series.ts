import type { Series, SeriesKind, SeriesPoint } from '@/api/types'

/** Time between two points of a kind; twice that without a value is a gap. */
export const STEP_MS: Record<SeriesKind, number> = { rtd: 60_000, min: 600_000, hour: 3_600_000, day: 86_400_000 }
/** HJ 212-2017 §6.6.4: N normal; anything else is marked on the curve. */
export const NORMAL_FLAGS = new Set(['', 'N', 'n'])

/** The same points with a null where data are missing, so that the line breaks instead of pretending. */
export function withGaps(points: SeriesPoint[], step: number): [number, number | null][] {
  const out: [number, number | null][] = []
  // Thinned series have wider steps than the kind: a gap is judged by the usual distance in this very answer.
  const distances = points.slice(1).map((p, i) => p[0] - points[i]![0]).sort((a, b) => a - b)
  const usual = Math.max(step, distances[Math.floor(distances.length / 2)] ?? step)
  points.forEach((p, i) => {
    const before = points[i - 1]
    if (before && p[0] - before[0] > usual * 2.5) out.push([before[0] + usual, null])
    out.push([p[0], p[1]])
  })
  return out
}
export function flagged(points: SeriesPoint[]): { at: number; value: number; flag: string }[] {
  return points.flatMap((p) => (p[1] !== null && p[2] && !NORMAL_FLAGS.has(p[2]) ? [{ at: p[0], value: p[1], flag: p[2] }] : []))
}
export function summary(s: Series): { n: number; missing: number; max: number | null; over: number } {
  let max: number | null = null
  let n = 0
  let over = 0
  for (const p of s.points) {
    if (p[1] === null) continue
    n++
    if (max === null || p[1] > max) max = p[1]
    if (s.limit !== null && p[1] > s.limit) over++
  }
  return { n, missing: s.points.length - n, max, over }
}
