import { shallowRef } from 'vue'
import { api } from './api'
import type { Factor } from './api/types'
import { label } from './i18n'

/* The table of codes is part of the program: asked once in a visit, when the first code is shown. */
const known = shallowRef<Map<string, Factor>>(new Map())
let asked = false
function ask(): void {
  if (asked) return
  asked = true
  api.factors().then((r) => (known.value = new Map(r.items.map((f) => [f.code, f]))), () => (asked = false))
}
export function factors(): Factor[] {
  ask()
  return [...known.value.values()]
}
/** "化学需氧量"; the bare code until the table is there. */
export function factorLabel(code: string): string {
  ask()
  return label(known.value.get(code)) || code
}
/** "化学需氧量 w01018"; the bare code until the table is there. */
export function factorName(code: string): string {
  ask()
  const f = known.value.get(code)
  return f ? `${label(f)} ${code}` : code
}
/** A text that holds the code of a measured factor, in whatever room. */
export const holdsFactor = (name: string): boolean => name === 'factor' || name === 'pol_id' || name.endsWith('_factor')
/** A text of codes of kinds of stations, parted by blanks. */
export const holdsKinds = (name: string): boolean => name === 'station_kinds'
export const KINDS_DICT = 'station_kind'
