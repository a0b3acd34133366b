import type { Room, Row, SeriesKind } from '@/api/types'
import { isoShanghai } from '@/lib/format'
import { KINDS, queryOf, viewOf } from './view'

/** The stretch of a curve that a record speaks of (an alarm, a review, a report of maintenance), and where to look at more of it. */
export interface About { station: number; factor: string; kind: SeriesKind; stretch: [number, number]; span: [number, number]; to: object }
const PAD: Record<SeriesKind, number> = { rtd: 1_800_000, min: 7_200_000, hour: 86_400_000, hour_calc: 86_400_000, day: 15 * 86_400_000, day_calc: 15 * 86_400_000 }
const first = (row: Row, names: string[]): number => Date.parse(String(names.map((n) => row[n]).find((v) => typeof v === 'string' && v) ?? ''))

export function aboutOf(room: Room, row: Row): About | null {
  if (!room.fields.some((f) => f.name === 'station_id' && f.ref === 'station') || typeof row.factor !== 'string' || !row.factor) return null
  const from = first(row, ['from_at', 'began_at'])
  const to = first(row, ['to_at', 'ended_at', 'last_at'])
  if (!(to >= from)) return null
  const kind = KINDS.find((k) => k === (row.kind ?? row.period)) ?? 'rtd'
  const pad = Math.max(PAD[kind], (to - from) / 3)
  const span: [number, number] = [from - pad, Math.max(from + pad, Math.min(to + pad, Date.now()))]
  const station = Number(row.station_id)
  const query = queryOf({ ...viewOf(station, {}), kind, factors: [row.factor], range: 'custom', from: isoShanghai(span[0]), to: isoShanghai(span[1]) })
  return { station, factor: row.factor, kind, stretch: [from, to], span, to: { name: 'station', params: { id: station }, query } }
}
