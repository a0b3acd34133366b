import type { Bilingual, FileInfo, Row } from '@/api/types'

/** What an entry's codes may be called; verbs with a topic are moves of that type, those without are the kernel's. */
export interface AuditWords { topics: (Bilingual & { code: string })[]; verbs: (Bilingual & { code: string; topic?: string })[] }
export type Entry = Row & {
  at: string; actor: number | null; actor_label?: string; topic: string; topic_label?: string; row_id: number | null; verb: string; verb_label?: string
  from_state: string | null; from_state_label?: string; to_state: string | null; to_state_label?: string; grid_code: string; grid_name?: string
  peer: string; note: string | null; files?: string | null; diff?: string | null; diff_label?: string; hash?: string
}
export type Check = Row & {
  created_at: string; created_by: number | null; created_by_label?: string; state: 'running' | 'good' | 'broken'; upto: number; head: string
  done: number; bad: number | null; finding: string | null; ended_at: string | null
}
export interface Change { name: string; was: unknown; now: unknown }
/** Values that are sealed come as stars. */
export const SEALED = '***'

/** Where it happened; what belongs to no place, or to all of them, is the city's. */
export const placeOf = (e: Entry, city: string): string => (e.grid_code && e.grid_code !== '*' ? e.grid_name || e.grid_code : city)

export function changesOf(entry: Entry): Change[] {
  const all = JSON.parse(entry.diff || '{}') as Record<string, [unknown, unknown]>
  return Object.entries(all).map(([name, [was, now]]) => ({ name, was, now }))
}
export function filesOf(entry: Entry): FileInfo[] {
  return JSON.parse(entry.files || '[]') as FileInfo[]
}
/** Words for one select: codes that several types share stand once, under all that they are called. */
export function verbsOf(words: AuditWords, topic: string, word: (b: Bilingual) => string): { code: string; text: string }[] {
  const texts = new Map<string, Set<string>>()
  for (const v of words.verbs) if (!v.topic || !topic || v.topic === topic) texts.set(v.code, (texts.get(v.code) ?? new Set()).add(word(v)))
  return [...texts].map(([code, called]) => ({ code, text: [...called].slice(0, 3).join(' / ') }))
}
