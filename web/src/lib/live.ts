import type { LiveStation, LiveValue } from '@/api/types'
import type { Reading } from '@/live'

/** What one looks at first: what exceeds, else what has a limit, else the first. */
export function firstFactor(values: LiveValue[]): string {
  return (values.find((v) => v.exceed) ?? values.find((v) => v.limit_kind) ?? values[0])?.factor ?? ''
}
/** One line per factor: the real-time value, else the minute's, else the hour's. */
export function newestKinds(s: LiveStation): LiveStation {
  const rank = (v: LiveValue): number => ['rtd', 'min', 'hour'].indexOf(v.kind ?? 'rtd')
  const values = s.values.filter((v) => !s.values.some((x) => x.factor === v.factor && rank(x) < rank(v)))
  return { ...s, values }
}

/** A reading into the station's latest values. A limit of the same kind is judged at once; the hour's beside a real-time value is not. */
export function take(s: LiveStation, e: Reading): void {
  if (!s.last_at || Date.parse(e.at) > Date.parse(s.last_at)) s.last_at = e.at
  const v = s.values.find((x) => x.factor === e.factor && (x.kind ?? 'rtd') === e.kind)
  if (!v) return
  Object.assign(v, { value: e.value, at: e.at, flag: e.flag })
  if (v.limit_kind === e.kind && e.value !== null) v.exceed = (v.high !== null && e.value > v.high) || (v.low !== null && e.value < v.low)
  if (s.state === 'normal' || s.state === 'exceed') s.state = s.values.some((x) => x.exceed) ? 'exceed' : 'normal'
}
