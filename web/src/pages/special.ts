import { defineAsyncComponent, type Component } from 'vue'

/* Rooms whose form or page has a part of its own; all others are drawn from their fields. */
const CommandForm = defineAsyncComponent(() => import('@/command/CommandForm.vue'))
const CommandDialogue = defineAsyncComponent(() => import('@/command/CommandDialogue.vue'))
const ResentCard = defineAsyncComponent(() => import('@/review/ResentCard.vue'))
/** Takes `room` and `preset`, tells `close` and `saved`, as RecordForm does. */
export const CREATE_FORMS: Record<string, Component> = { command: CommandForm }
/** A card on the page of one record; takes `row`. */
export const DETAIL_CARDS: Record<string, Component> = { command: CommandDialogue, review: ResentCard }
