import type { Decoded } from '@/packets/types'

/** Shapes of doc/api.md. What is unknown to the server is null, never missing. */
export type FieldType = 'id' | 'int' | 'real' | 'bool' | 'enum' | 'text' | 'money' | 'day' | 'ms' | 'set'
export interface Field {
  name: string; zh: string; en: string; type: FieldType
  required?: boolean; readonly?: boolean; once?: boolean; list?: boolean; filter?: boolean; sort?: boolean; search?: boolean
  export?: boolean; masked?: boolean; multiline?: boolean; shape?: boolean
  dict?: string | null; ref?: string | null; unit?: string | null; min?: number | null; max?: number | null
  help_zh?: string; help_en?: string
  /** What 0 means, where it is no amount. */
  zero_zh?: string; zero_en?: string
}
export interface Bilingual { zh: string; en: string }
export interface Verb extends Bilingual {
  name: string; from: string[]; to: string | null; perm: boolean
  need_note?: boolean; need_photo?: boolean; sets?: string[]; danger?: boolean; phrases?: Bilingual[]
}
export interface State extends Bilingual { code: string; final?: boolean }
export interface Room extends Bilingual {
  name: string; icon?: string; perm_read?: boolean; perm_create?: boolean; perm_edit?: boolean; perm_import?: boolean; perm_export?: boolean
  map?: 'point' | 'shape' | null; title_field?: string; steps?: boolean; state_field?: string | null; order?: number
  fields: Field[]; verbs: Verb[]; states?: State[]
}
export interface DictItem extends Bilingual { code: string }
/** One right in words; perm: the reader has it. */
export interface Right extends Bilingual { name: string; perm?: boolean }
export interface RightRoom extends Bilingual { room: string; items: Right[] }
/** rights: for whoever may read roles. */
export interface Meta { rooms: Room[]; dicts: Record<string, DictItem[]>; rights?: RightRoom[] }

export interface Hello { name: string; version: string; demo?: boolean; logins?: { login: string; password: string; role_zh: string; role_en: string; name: string }[] }
export interface Me {
  id: number; login: string; name: string; role: string; role_zh: string; role_en: string; grid_code: string | null; grid_name: string | null
  perms: string[]; csrf: string; must_change?: boolean; demo?: boolean; unread?: number
}
export type Value = string | number | boolean | string[] | null | undefined
/** A move that is the reader's, but cannot be done yet. */
export interface Wait { verb: string; why: string }
export type Row = Record<string, unknown> & { id: number; version?: number; _verbs?: string[]; _waits?: Wait[]; _edit?: boolean; _reveal?: boolean }
export type Light = 'green' | 'yellow' | 'red' | 'none'
/** Of the records that wait for somebody, by id. */
export type Lights = Record<string, { light: Light; due_at: string | null }>
export interface Page<T = Row> { items: T[]; next: string | null; total?: number; more?: boolean; lights?: Lights }
export interface FileInfo { hash: string; name: string; type: string; size: number }
export interface TimelineItem {
  at: string; actor: number | null; actor_name: string | null; verb?: string | null; verb_zh?: string; verb_en?: string
  from?: string | null; to?: string | null; note?: string | null; files?: FileInfo[]
  diff?: { field: string; was: unknown; now: unknown }[]; kind: 'create' | 'edit' | 'move' | 'comment' | 'escalate'
}
export interface ClockStep {
  state: string; state_zh: string; state_en: string; holder_id?: number | null; holder_name?: string | null; holder_role_zh?: string | null; holder_role_en?: string | null
  started_at: string; due_at?: string | null; ended_at?: string | null; limit?: number | null; unit?: string; unit_zh?: string; unit_en?: string
  used_minutes?: number; limit_minutes?: number | null; light: Light; escalated?: number
  sheet?: { from: string; to: string; minutes: number; counted: boolean; why_zh: string; why_en: string }[]
}
export interface BenchItem {
  room: string; id: number; title: string; state: string; state_zh: string; state_en: string
  grid_code?: string | null; grid_name?: string | null; due_at?: string | null; light: Light; verbs?: string[]; waits?: Wait[]
}
export type BenchTab = 'todo' | 'overdue' | 'done'
export interface Bench { counts: Record<BenchTab, number>; todo?: BenchItem[]; overdue?: BenchItem[]; done?: BenchItem[]; items?: BenchItem[]; next?: string | null }
export interface Notice { id: number; at: string; zh: string; en: string; room: string | null; row_id: number | null; read: boolean }

export type StationState = 'normal' | 'exceed' | 'offline' | 'fault'
export interface LiveValue { factor: string; kind?: string; zh: string; en: string; unit: string | null; value: number | null; flag: string | null; at: string | null; low: number | null; high: number | null; limit_kind: string | null; exceed?: boolean }
export interface LiveStation {
  id: number; name: string; kind: string; lon: number | null; lat: number | null; grid_code: string | null
  state: StationState; last_at: string | null; values: LiveValue[]
}
export type SeriesKind = 'rtd' | 'min' | 'hour' | 'day' | 'hour_calc' | 'day_calc'
/** epoch ms, value, flag, least, most */
export type SeriesPoint = [number, number | null, (string | null)?, (number | null)?, (number | null)?]
export interface SeriesLimit { from: number; to: number; low: number | null; high: number | null; basis: string | null }
/** to null = still going on */
export interface SeriesAlarm { id: number; title: string; state: string; from: number; to: number | null }
/** Over the whole range, not only over the points that came. */
export interface SeriesStat { n: number; values: number; over: number; mean: number | null; min: number | null; min_at: number | null; max: number | null; max_at: number | null }
interface SeriesHead extends Bilingual { station_id: number; station: string; factor: string; unit: string | null; limits: SeriesLimit[]; alarms: SeriesAlarm[] }
export interface Series extends SeriesHead { step_ms: number | null; stat: SeriesStat; gaps: [number, number][]; more_gaps: boolean; points: SeriesPoint[] }
export interface SeriesAnswer { from: number; to: number; kind: SeriesKind; series: Series[] }
/** All lines on one grid of time. */
export interface AlignedLine extends SeriesHead { values: (number | null)[]; min: (number | null)[]; max: (number | null)[]; flags: (string | null)[] }
export interface AlignedAnswer { from: number; to: number; kind: SeriesKind; width_ms: number; times: number[]; series: AlignedLine[] }
export interface SeriesAsk { station: string; factor: string; kind: SeriesKind; from: string; to: string; points?: number; converted?: 1 }
export interface AreaProps { code: string; name: string; level: string; generated?: boolean | number; parent?: string | null }
export type Areas = GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, AreaProps>
export interface GridNode { code: string; name: string; level: string; children?: boolean }
export interface Located {
  code: string | null; chain: { code: string; name: string; level: string }[]
  officers?: { name: string; post_zh: string; post_en: string; phone?: string | null }[]; zone?: { code: string; name: string } | null
}
export interface ImportResult { rows: number; accepted: number; refused: { row: number; field: string | null; message: string; cells: string[] }[]; dry: boolean }
export interface CommandKind { kind: string; right: 'create' | 'set' | 'operate'; allowed: boolean; must: string[]; may: string[] }
export interface CommandPacket { at: string; direction: 'out' | 'in'; raw: string; decoded?: Decoded }
/** What a device sent again for values that a review had settled. */
export interface Resent { station_id: number; at: string; value: number | null; flag: string | null; packet_id: number; received_at: string }
export interface Factor extends Bilingual { code: string; unit: string | null }
export interface Option { id: number; label: string }
