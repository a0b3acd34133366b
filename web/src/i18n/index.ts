import { en } from './en'
import { fill } from '@/lib/format'
import { lang } from './lang'
import { zh, type Messages } from './zh'

export type Key = keyof Messages
const catalogue: Record<'zh' | 'en', Messages> = { zh, en }

/** Text of the page in the chosen language; {name} is replaced from args. Re-renders when the language changes. */
export function t(key: Key, args?: Record<string, string | number>): string {
  const text = catalogue[lang.value][key]
  return args ? fill(text, args) : text
}
/** Label of something the server names in both languages. */
export function label(o: { zh?: string | null; en?: string | null } | null | undefined): string {
  if (!o) return ''
  return (lang.value === 'zh' ? o.zh || o.en : o.en || o.zh) ?? ''
}
/** The member name_zh or name_en of o. */
export function labelOf(o: object, name: string): string {
  const r = o as Record<string, unknown>
  const zhText = r[`${name}_zh`]
  const enText = r[`${name}_en`]
  return half(String((lang.value === 'zh' ? zhText || enText : enText || zhText) ?? ''))
}
/** Said beside a word: full-width brackets in Chinese, in English a blank before the narrow ones. */
export const aside = (text: string | number): string => (lang.value === 'zh' ? `（${text}）` : ` (${text})`)
/** Texts that carry both languages, "中文 | English". */
export function half(text: string): string {
  const at = text.indexOf(' | ')
  return at < 0 ? text : lang.value === 'zh' ? text.slice(0, at) : text.slice(at + 3)
}
export { lang, setLang, applyLang } from './lang'
