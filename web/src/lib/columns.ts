import type { Field, Room, Row } from '@/api/types'

/* A list shows all its columns where there is room. Where there is not, it does without the ones that tell least, rather than send the
 * reader sideways: the detail page has them all, and a button brings them back. */

/** What a column's cell says, for comparing with the title of its row; '' where it holds nothing. */
export type Says = (f: Field, row: Row) => string

/** Values that are measured in the unit their row names (`unit`), and shown with it. */
const MEASURED = ['low', 'high', 'value', 'limit_value']
export const measuredIn = (f: Field, row: Record<string, unknown>): string | null => (MEASURED.includes(f.name) && row.unit ? String(row.unit) : null)

/** A unit that stands beside the values that have it needs no place of its own. */
export const standsBeside = (f: Field, all: Field[]): boolean => f.name === 'unit' && all.some((m) => MEASURED.includes(m.name))
/** What a row points at: its name, or its number where that is called as the row itself (the matter that an alarm has become). */
export function refText(f: Field, row: Record<string, unknown>, title: string): string {
  const name = row[`${f.name}_label`]
  return name === null || name === undefined || name === title ? `#${row[f.name]}` : String(name)
}
/** What a list has columns for, the title first. */
export function listColumns(room: Room): Field[] {
  const listed = room.fields.filter((f) => f.list && !['id', 'version', 'lon', 'lat'].includes(f.name))
  const shown = listed.filter((f) => !standsBeside(f, listed))
  const title = shown.find((f) => f.name === room.title_field)
  return title ? [title, ...shown.filter((f) => f !== title)] : shown
}
/** Does the title of the row say what this column says? */
export function isTold(f: Field, row: Row, title: string, says: Says): boolean {
  const text = says(f, row)
  return !text || (text.length > 1 && (!!f.ref || f.type === 'enum' || f.type === 'text') && title.includes(text))
}
/** The columns a list may do without, first the one that tells least: empty ones, then what titles tell, then from the right.
 * Never the title, the state, the place, or what the list is sorted by. */
export function sparable(room: Room, columns: Field[], rows: Row[], titleOf: (row: Row) => string, says: Says, sort: string): Field[] {
  const keep = new Set([room.title_field, room.state_field ?? 'state', 'grid_code', sort.replace(/^-/, '')])
  const rank = (f: Field): number => (rows.every((r) => !says(f, r)) ? 0 : rows.every((r) => isTold(f, r, titleOf(r), says)) ? 1 : 2)
  const may = columns.filter((f) => !keep.has(f.name)).reverse()
  return [0, 1, 2].flatMap((n) => may.filter((f) => rank(f) === n))
}
/** So many of them, in that order, that `over` pixels are saved; what was taken in vain is given back, the best first. */
export function foldAway(over: number, order: { name: string; width: number }[]): string[] {
  const gone: { name: string; width: number }[] = []
  let saved = 0
  for (const c of order) {
    if (saved >= over) break
    gone.push(c)
    saved += c.width
  }
  for (const c of [...gone].reverse())
    if (saved - c.width >= over) {
      gone.splice(gone.indexOf(c), 1)
      saved -= c.width
    }
  return gone.map((c) => c.name)
}
