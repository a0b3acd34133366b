import type { Key } from '@/i18n'
import type { Light, Lights, StationState } from '@/api/types'

/** Colour is never alone: each light and state has a shape and a word as well. */
export type Shape = 'circle' | 'triangle' | 'square' | 'diamond' | 'ring' | 'bar' | 'pentagon'
export interface Mark { shape: Shape; color: string; glyph: string; text: Key }

export const LIGHTS: Record<Light, Mark> = {
  green: { shape: 'circle', color: '#1a7f4b', glyph: '', text: 'light.green' },
  yellow: { shape: 'triangle', color: '#b36b00', glyph: '!', text: 'light.yellow' },
  red: { shape: 'square', color: '#c0271f', glyph: '×', text: 'light.red' },
  none: { shape: 'ring', color: '#5b7680', glyph: '', text: 'light.none' },
}
export const STATION_STATES: Record<StationState, Mark> = {
  normal: { shape: 'circle', color: '#0c7a8a', glyph: '', text: 'station.normal' },
  exceed: { shape: 'diamond', color: '#c0271f', glyph: '!', text: 'station.exceed' },
  offline: { shape: 'ring', color: '#5b7680', glyph: '–', text: 'station.offline' },
  fault: { shape: 'triangle', color: '#b36b00', glyph: '×', text: 'station.fault' },
}
/** Matters whose light the server does not tell. */
export const OPEN: Mark = { shape: 'circle', color: '#0c7a8a', glyph: '', text: 'map.open' }
export const DONE: Mark = { shape: 'ring', color: '#5b7680', glyph: '', text: 'map.done' }
export const PLACE: Mark = { shape: 'pentagon', color: '#5a4a9c', glyph: '', text: 'map.place' }

/** Every mark by the name that the map knows it under. */
export const MARKS: Record<string, Mark> = {
  ...Object.fromEntries(Object.entries(LIGHTS).map(([k, m]) => ['light-' + k, m])),
  ...Object.fromEntries(Object.entries(STATION_STATES).map(([k, m]) => ['station-' + k, m])),
  place: PLACE,
  open: OPEN,
  done: DONE,
}
/** How loud a mark is inside a cluster: the worst one colours it. */
export function weightOf(mark: string): number {
  return mark === 'light-red' || mark === 'station-exceed' ? 3 : mark === 'light-yellow' || mark === 'station-fault' ? 2 : mark === 'station-offline' ? 1 : 0
}

export function lightOf(v: unknown): Light {
  return v === 'green' || v === 'yellow' || v === 'red' ? v : 'none'
}
/** The lights that the server told beside the rows, on the rows: `light` and `due_at`. */
export function lit<T extends { id: number }>(rows: T[], lights: Lights | undefined): T[] {
  return lights ? rows.map((r) => ({ ...r, ...lights[r.id] })) : rows
}
export function stationStateOf(v: unknown): StationState {
  return v === 'exceed' || v === 'offline' || v === 'fault' ? v : 'normal'
}
/** The rule the server follows (to 80 % green, to 100 % yellow, beyond red), for clocks that run while the page is open. */
export function lightFor(used: number, limit: number | null | undefined): Light {
  if (!limit || limit <= 0) return 'none'
  const share = used / limit
  return share > 1 ? 'red' : share > 0.8 ? 'yellow' : 'green'
}
