import type { AlignedAnswer, Areas, Bench, BenchTab, ClockStep, CommandKind, CommandPacket, Factor, FileInfo, GridNode, Hello, ImportResult, Lights, LiveStation, Located, Me, Meta, Notice, Option, Page, Resent, Row, SeriesAnswer, SeriesAsk, TimelineItem, Value } from './types'
import type { AuditWords } from '@/audit/types'
import type { Assessment, Five, Gaps } from '@/grid/types'
import type { Decoded, Packet } from '@/packets/types'
import { get, patch, post, query, send } from './http'

const V1 = '/api/v1'
const seg = encodeURIComponent
type Params = Record<string, string | number | boolean | null | undefined>

export const api = {
  hello: () => get<Hello>(`${V1}/hello`),
  login: (login: string, password: string) => post<Me>(`${V1}/login`, { login, password }, { quiet401: true }),
  logout: () => post<void>(`${V1}/logout`, {}),
  me: async ({ quiet401 = true } = {}) => (await send(`${V1}/me`, { quiet401 })).json() as Promise<Me>,
  password: (was: string, now: string) => post<void>(`${V1}/me/password`, { old: was, new: now }, { quiet401: true }),
  meta: () => get<Meta>(`${V1}/meta`),

  list: (room: string, p: Params, signal?: AbortSignal) => get<Page>(`${V1}/${seg(room)}${query(p)}`, signal),
  one: (room: string, id: number | string) => get<Row>(`${V1}/${seg(room)}/${id}`),
  create: (room: string, fields: Record<string, Value>) => post<Row>(`${V1}/${seg(room)}`, fields),
  edit: (room: string, id: number, version: number, fields: object) => patch<Row>(`${V1}/${seg(room)}/${id}`, { version, ...fields }),
  move: (room: string, id: number, verb: string, body: { version?: number; note?: string; files?: string[]; fields?: object }) => post<Row>(`${V1}/${seg(room)}/${id}/${seg(verb)}`, body),
  reveal: (room: string, id: number, note: string) => post<Row>(`${V1}/${seg(room)}/${id}/reveal`, { note }),
  timeline: (room: string, id: number | string) => get<{ items: TimelineItem[] }>(`${V1}/${seg(room)}/${id}/timeline`),
  comment: (room: string, id: number | string, note: string, files: string[]) => post<unknown>(`${V1}/${seg(room)}/${id}/comments`, { note, files }),
  clock: (room: string, id: number | string) => get<{ steps: ClockStep[] }>(`${V1}/${seg(room)}/${id}/clock`),
  map: (room: string, p: Params, signal?: AbortSignal) => get<GeoJSON.FeatureCollection & { truncated?: boolean; lights?: Lights }>(`${V1}/${seg(room)}/map${query(p)}`, signal),
  options: (room: string, p: { q?: string; id?: number }) => get<{ items: Option[] }>(`${V1}/${seg(room)}/options${query(p)}`),
  exportUrl: (room: string, kind: 'xlsx' | 'csv' | 'geojson', p: Params) => `${V1}/${seg(room)}.${kind}${query(p)}`,
  templateUrl: (room: string) => `${V1}/${seg(room)}/template.xlsx`,
  importRows: async (room: string, file: Blob, kind: 'xlsx' | 'csv', dry: boolean) =>
    (await send(`${V1}/${seg(room)}/import${query({ kind, dry: dry ? 1 : 0 })}`, { method: 'POST', body: file, type: file.type || 'application/octet-stream' })).json() as Promise<ImportResult>,

  upload: async (name: string, bytes: Blob) => (await send(`${V1}/files${query({ name })}`, { method: 'POST', body: bytes, type: bytes.type || 'application/octet-stream' })).json() as Promise<FileInfo>,
  fileUrl: (hash: string) => `${V1}/files/${seg(hash)}`,
  thumbUrl: (hash: string) => `${V1}/files/${seg(hash)}/thumb`,

  bench: (tab?: BenchTab, after?: string) => get<Bench>(`${V1}/bench${query({ tab, after })}`),
  notices: (unread?: boolean) => get<{ items: Notice[] }>(`${V1}/notices${query({ unread: unread ? 1 : null })}`),
  readNotices: (which: { ids: number[] } | { all: true }) => post<void>(`${V1}/notices/read`, which),

  areas: (level: string, parent?: string) => get<Areas>(`${V1}/grid/areas${query({ level, parent })}`),
  tree: (parent?: string) => get<{ items: GridNode[] }>(`${V1}/grid/tree${query({ parent })}`),
  locate: (lon: number, lat: number) => get<Located>(`${V1}/grid/locate${query({ lon, lat, datum: 'wgs84' })}`),

  commandKinds: () => get<{ items: CommandKind[] }>(`${V1}/command/kinds`),
  commandPackets: (id: number) => get<{ items: CommandPacket[] }>(`${V1}/command/${id}/packets`),
  resent: (id: number, after?: string) => get<Page<Resent>>(`${V1}/review/${id}/resent${query({ after })}`),
  feedToken: (id: number) => post<{ token: string }>(`${V1}/feed/${id}/token`, {}),
  auditWords: () => get<AuditWords>(`${V1}/audit/words`),
  factors: () => get<{ items: Factor[] }>(`${V1}/station/factors`),
  five: (code: string) => get<Five>(`${V1}/grid/five${query({ code })}`),
  coverage: (level: string) => get<Gaps>(`${V1}/grid/coverage${query({ level })}`),
  assessment: (from: string, to: string) => get<Assessment>(`${V1}/assessment${query({ from, to })}`),
  live: () => get<{ items: LiveStation[] }>(`${V1}/station/live`),
  series: (p: SeriesAsk, signal?: AbortSignal) => get<SeriesAnswer>(`${V1}/series${query({ ...p })}`, signal),
  aligned: (p: SeriesAsk, signal?: AbortSignal) => get<AlignedAnswer>(`${V1}/series${query({ ...p, aligned: 1 })}`, signal),
  seriesUrl: ({ station, factor, kind, from, to }: SeriesAsk) => `${V1}/series.csv${query({ station, factor, kind, from, to })}`,
  /** place: station/7/packets, packets/refused, packets/quarantine */
  packets: (place: string, p: Params) => get<Page<Packet>>(`${V1}/${place}${query(p)}`),
  packet: (place: string, id: number) => get<Packet>(`${V1}/${place}/${id}`),
  register: (id: number, fields: Record<string, Value>) => post<{ station_id: number; mn: string; readmitting: boolean }>(`${V1}/packets/quarantine/${id}/register`, fields),
  decode: (text: string) => post<{ items: Decoded[] }>(`${V1}/packets/decode`, { text }),
  basemap: (what: 'rivers' | 'lakes' | 'places') => get<GeoJSON.FeatureCollection>(`/basemap/${what}.geojson`),
}
