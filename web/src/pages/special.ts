import { defineAsyncComponent, type Component } from 'vue'
import type { RouteLocationRaw } from 'vue-router'
import type { Row } from '@/api/types'
import type { Key } from '@/i18n'
import { roomOf } from '@/session'

/* Rooms whose form or page has a part of its own; all others are drawn from their fields. */
const CommandForm = defineAsyncComponent(() => import('@/command/CommandForm.vue'))
const CommandDialogue = defineAsyncComponent(() => import('@/command/CommandDialogue.vue'))
const TokenCard = defineAsyncComponent(() => import('@/feed/TokenCard.vue'))
const ResentCard = defineAsyncComponent(() => import('@/review/ResentCard.vue'))
/** Takes `room` and `preset`, tells `close` and `saved`, as RecordForm does. */
export const CREATE_FORMS: Record<string, Component> = { command: CommandForm }
/** A card on the page of one record; takes `row`, may tell `changed`. */
export const DETAIL_CARDS: Record<string, Component> = { command: CommandDialogue, feed: TokenCard, review: ResentCard }
/** From the page of one record to what else is known of it. */
export const DETAIL_LINKS: Record<string, (row: Row) => { to: RouteLocationRaw; text: Key }[]> = {
  station: (row) => [{ to: { name: 'station', params: { id: row.id } }, text: 'station.curves' }, { to: { name: 'packets', params: { id: row.id } }, text: 'station.packets' }],
  area: (row) => (roomOf('grid_gap') ? [{ to: { name: 'grid', query: { code: String(row.code) } }, text: 'grid.title' }] : []),
}
