import type { Bilingual } from '@/api/types'

export interface Place { code: string; name: string; level: string }
/** Work of one officer; a rate without a denominator is null. */
export interface Figures {
  account_id: number; name: string; grid_code: string; planned: number; patrols: number; valid: number; handled: number; on_time: number; overdue_open: number; returned: number; passed: number; failed: number
  rate: Record<string, number | null>; score: number | null; rank?: number | null
}
/** The five definites of a place: area, duties, persons, tasks, assessment. */
export interface Five {
  on: string
  area: Place & { level_zh: string; level_en: string; generated: boolean; duty: string | null; from: string | null; to: string | null; chain: Place[]; zone: { code: string; name: string } | null }
  duty: { department: string; duty: string; basis: string | null }[]
  person: { post_id: number; title: string; post_zh: string; post_en: string; grid_code: string; account_id: number | null; name: string | null; phone: string | null; from: string | null; to: string | null; task: string | null; away: boolean; acting_id: number | null; acting_name: string | null }[]
  task: { id: number; title: string; grid_code: string; times: number; every_days: number; checklist: string | null; basis: string | null }[]
  assessment: Figures[]
  indicators?: Assessment['indicators']
}
export interface Gap { grid_code: string; title: string; km2: number | null; lon: number | null; lat: number | null; explain_zh: string; explain_en: string }
export const GAPS = ['no_officer', 'vacant', 'uncovered', 'overlap', 'source'] as const
export type Gaps = { on: string; level: string } & Record<(typeof GAPS)[number], Gap[]>
export interface Assessment { from: string; to: string; indicators: (Bilingual & { code: string; formula_zh: string; formula_en: string })[]; items: Figures[] }
