import { shallowRef } from 'vue'
import { api } from './api'
import { lang } from './i18n'

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
