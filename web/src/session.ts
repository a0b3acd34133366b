import { computed, reactive } from 'vue'
import { api } from './api'
import { setCsrf } from './api/http'
import type { DictItem, Field, Hello, Me, Meta, Room, State, Verb } from './api/types'
import { label, lang, t, type Key } from './i18n'

interface Session { me: Me | null; meta: Meta | null; hello: Hello | null; ready: boolean }
export const session = reactive<Session>({ me: null, meta: null, hello: null, ready: false })

function take(me: Me): void {
  session.me = me
  setCsrf(me.csrf)
}
/** Who am I? false when nobody is logged in. */
export async function resume(): Promise<boolean> {
  try {
    take(await api.me())
    if (!session.me?.must_change) await loadMeta()
    return true
  } catch {
    return false
  } finally {
    session.ready = true
  }
}
export async function logIn(login: string, password: string): Promise<void> {
  take(await api.login(login, password))
  if (!session.me?.must_change) await loadMeta()
}
export async function loadMeta(): Promise<void> {
  const meta = await api.meta()
  meta.rooms.sort((a, b) => (a.order ?? 99) - (b.order ?? 99))
  session.meta = meta
}
export function forget(): void {
  session.me = null
  session.meta = null
  setCsrf('')
}
export async function logOut(): Promise<void> {
  try {
    await api.logout()
  } finally {
    forget()
  }
}

export const rooms = computed<Room[]>(() => session.meta?.rooms.filter((r) => r.perm_read !== false) ?? [])
/** Rooms shown in the menu; a room without a place in it is reached through references only. */
export const menuRooms = computed<Room[]>(() => rooms.value.filter((r) => r.order !== 0))
/** The tens of a room's place in the menu are its subject. */
const SUBJECTS: [below: number, key: Key][] = [[20, 'rooms.work'], [30, 'rooms.monitoring'], [60, 'rooms.sources'], [70, 'rooms.grid'], [900, 'rooms.other'], [Infinity, 'rooms.system']]
export const menuGroups = computed<{ key: Key; rooms: Room[] }[]>(() => SUBJECTS.map(([below, key], i) => ({ key, rooms: menuRooms.value.filter((r) => (r.order ?? 99) < below && (r.order ?? 99) >= (SUBJECTS[i - 1]?.[0] ?? 0)) })).filter((g) => g.rooms.length))
export function roomOf(name: string | undefined): Room | undefined {
  return rooms.value.find((r) => r.name === name)
}
export function fieldOf(room: Room | undefined, name: string): Field | undefined {
  return room?.fields.find((f) => f.name === name)
}
export function verbOf(room: Room | undefined, name: string): Verb | undefined {
  return room?.verbs?.find((v) => v.name === name)
}
export function dictOf(name: string | null | undefined): DictItem[] {
  return (name && session.meta?.dicts[name]) || []
}
export function statesOf(room: Room | undefined): State[] {
  if (!room) return []
  return room.states?.length ? room.states : dictOf(fieldOf(room, room.state_field ?? 'state')?.dict)
}
export function codeLabel(room: Room | undefined, field: Field | undefined, code: unknown): string {
  if (code === null || code === undefined || code === '') return '—'
  const items = field && room && field.name === room.state_field ? statesOf(room) : dictOf(field?.dict)
  const hit = items.find((i) => i.code === code)
  return hit ? label(hit) : String(code)
}
/** What the reader's account looks at, by name: the whole, where it is not bound to a place. */
export const ownArea = (): string => (session.me?.grid_code === '*' ? t('area.all') : session.me?.grid_name || session.me?.grid_code || '')
/** The field that names a row. */
export const isTitle = (room: Room, f: Field): boolean => f.name === room.title_field
export function titleOf(room: Room | undefined, row: Record<string, unknown>): string {
  const title = room?.title_field ? (lang.value === 'en' && row[`${room.title_field}_en`]) || row[room.title_field] : null
  return String(title ?? row.title ?? row.name ?? `#${row.id}`)
}
