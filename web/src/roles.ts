import { shallowRef } from 'vue'
import { api } from './api'
import type { Field, Room } from './api/types'
import { label, lang, t } from './i18n'
import { told } from './lib/rights'
import { session } from './session'

/* References carry the Chinese name of a role; the few roles are asked for once, when a page in English shows the first. */
const english = shallowRef<Map<number, string>>(new Map())
let asked = false
/** The English name on an English page; '' where the reference's own label will do. */
export function roleName(id: number): string {
  if (lang.value !== 'en') return ''
  if (!asked) {
    asked = true
    api.list('role', { limit: 100 }).then((page) => (english.value = new Map(page.items.map((r) => [r.id, String(r.name_en ?? '')]))), () => {})
  }
  return english.value.get(id) ?? ''
}
/** The text of what a role may. */
export const holdsRights = (room: Room, f: Field): boolean => room.name === 'role' && f.name === 'rights'
/** "事项：结案、督办；全部台账：查看" */
export function rightsText(rights: unknown): string {
  const zh = lang.value === 'zh'
  return told(rights, session.meta?.rights ?? []).map((g) => (g.room ? label(g.room) : t('rights.everywhere')) + (zh ? '：' : ': ') + g.items.map((i) => (i.all ? t('rights.all') : label(i.right) || i.word)).join(t('ui.comma'))).join(t('ui.semicolon'))
}
