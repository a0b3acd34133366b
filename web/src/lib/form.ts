import type { Field, Room, Row, Value } from '@/api/types'
import { fenText, fromPicker, toFen, toPicker } from './format'

/** Inputs hold text (or boolean, or id); the body holds what the API takes. */
export type Draft = Record<string, string | number | boolean | null>

const KERNEL = new Set(['id', 'version'])

/** One of a closed list always has a value: who creates chooses it, or the first of the list would be taken in silence. */
export function formFields(room: Room, mode: 'create' | 'edit'): Field[] {
  return room.fields.filter((f) => !KERNEL.has(f.name) && !f.readonly && !(f.once && mode === 'edit')).map((f) => (f.type === 'enum' ? { ...f, required: true } : f))
}
/* Fields that mean something for one choice only: who sends with a token has no broker. */
const ONLY: Record<string, { by: string; is: string; names: string[] }[]> = {
  feed: [{ by: 'via', is: 'mqtt', names: ['source_id', 'ident'] }],
  review: [{ by: 'action', is: 'mark', names: ['new_flag'] }, { by: 'action', is: 'correct', names: ['new_value'] }],
  upstream: [{ by: 'kind', is: 'mqtt', names: ['tls', 'ca', 'login', 'topic', 'per_factor'] }, { by: 'kind', is: 'hj212', names: ['fwd_other'] }],
}
/** Does the field count for what has been chosen (in the form, or in the row when it cannot be chosen any more)? */
export function counts(room: string, f: Field, chosen: Record<string, unknown>): boolean {
  return (ONLY[room] ?? []).every((o) => !o.names.includes(f.name) || chosen[o.by] === o.is)
}
export function shownFields(room: Room): Field[] {
  return room.fields.filter((f) => !KERNEL.has(f.name))
}
/** "due_at!" must come, "due_at" may. */
export function setFields(room: Room, sets: string[] | undefined): Field[] {
  return (sets ?? []).flatMap((s) => {
    const must = s.endsWith('!')
    const f = room.fields.find((x) => x.name === s.replace(/!$/, ''))
    return f ? [{ ...f, readonly: false, required: must }] : []
  })
}
/** lon and lat are asked for together, with a map. */
export function pointPair(fields: Field[]): [Field, Field] | null {
  const lon = fields.find((f) => f.name === 'lon' && f.type === 'real')
  const lat = fields.find((f) => f.name === 'lat' && f.type === 'real')
  return lon && lat ? [lon, lat] : null
}

export function toInput(f: Field, v: unknown): string | number | boolean | null {
  if (v === null || v === undefined) return f.type === 'bool' ? false : f.type === 'id' ? null : ''
  switch (f.type) {
    case 'bool': return v === true || v === 1
    case 'id': return Number(v)
    case 'money': return fenText(v)
    case 'ms': return toPicker(v)
    case 'day': return String(v).slice(0, 10)
    case 'set': return (v as string[]).join(',')
    default: return typeof v === 'object' ? JSON.stringify(v) : String(v)
  }
}
export function fromInput(f: Field, v: Draft[string] | undefined): Value {
  if (f.type === 'bool') return v === true
  if (f.type === 'set') return v ? String(v).split(',') : []
  if (v === null || v === undefined || v === '') return null
  switch (f.type) {
    case 'int':
    case 'real': {
      const n = Number(String(v).trim())
      return Number.isFinite(n) ? n : null
    }
    case 'id': return Number(v)
    case 'money': return toFen(String(v))
    case 'ms': return fromPicker(String(v))
    default: return String(v)
  }
}
export function draftOf(fields: Field[], row: Partial<Row> = {}): Draft {
  return Object.fromEntries(fields.map((f) => [f.name, toInput(f, row[f.name])]))
}

export type Fault = 'required' | 'number' | 'whole' | 'min' | 'max' | 'money'
/** What is wrong with one input before it is sent; the server has the last word. */
export function faultOf(f: Field, v: Draft[string] | undefined): Fault | null {
  const empty = v === null || v === undefined || String(v).trim() === ''
  if (empty) return f.required && f.type !== 'bool' ? 'required' : null
  if (f.type === 'money') {
    if (toFen(String(v)) === null) return 'money'
  } else if (f.type === 'int' || f.type === 'real') {
    const n = Number(v)
    if (!Number.isFinite(n)) return 'number'
    if (f.type === 'int' && !Number.isInteger(n)) return 'whole'
    const bounded = typeof f.min === 'number' && typeof f.max === 'number' && f.max > f.min
    if (bounded && n < f.min!) return 'min'
    if (bounded && n > f.max!) return 'max'
  }
  return null
}
export function faults(fields: Field[], d: Draft): Record<string, Fault> {
  const out: Record<string, Fault> = {}
  for (const f of fields) {
    const wrong = faultOf(f, d[f.name])
    if (wrong) out[f.name] = wrong
  }
  return out
}
/** Whole body at creation (empty members left out); only what changed at an edit. */
export function bodyOf(fields: Field[], d: Draft, was?: Row): Record<string, Value> {
  const out: Record<string, Value> = {}
  for (const f of fields) {
    const v = fromInput(f, d[f.name])
    if (was ? JSON.stringify(v) !== JSON.stringify(fromInput(f, toInput(f, was[f.name]))) : v !== null) out[f.name] = v
  }
  return out
}

/** Three-way look after a 409: what I wanted, what stands there now, what it was when I began. */
export interface Clash { field: Field; base: unknown; mine: Value; theirs: unknown }
export function clashes(fields: Field[], base: Row, theirs: Row, mine: Record<string, Value>): { both: Clash[]; theirsOnly: Clash[] } {
  const both: Clash[] = []
  const theirsOnly: Clash[] = []
  for (const field of fields) {
    const a = JSON.stringify(base[field.name] ?? null)
    const b = JSON.stringify(theirs[field.name] ?? null)
    if (a === b) continue
    const clash = { field, base: base[field.name], mine: mine[field.name], theirs: theirs[field.name] }
    if (field.name in mine && JSON.stringify(mine[field.name] ?? null) !== b) both.push(clash)
    else theirsOnly.push(clash)
  }
  return { both, theirsOnly }
}
