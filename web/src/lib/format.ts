import type { Lang } from '@/i18n/lang'

const DAY = 86_400_000
const SHANGHAI = 8 * 3_600_000
const pad = (n: number): string => String(n).padStart(2, '0')

function shanghai(at: string | number | null | undefined): Date | null {
  if (at === null || at === undefined || at === '') return null
  const ms = typeof at === 'number' ? at : Date.parse(at)
  return Number.isFinite(ms) ? new Date(ms + SHANGHAI) : null
}
/** 2026-11-24 19:03, always the clock on the wall in Zibo, whatever the browser's zone. */
export function instant(at: string | number | null | undefined, seconds = false): string {
  const d = shanghai(at)
  if (!d) return '—'
  const time = `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}${seconds ? ':' + pad(d.getUTCSeconds()) : ''}`
  return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())} ${time}`
}
/** 11-24 19:03 */
export function shortInstant(at: string | number | null | undefined): string {
  const s = instant(at)
  return s === '—' ? s : s.slice(5)
}
/** For date pickers: 2026-11-24T19:03:00 without a zone, and back. */
export function toPicker(at: unknown): string {
  const d = typeof at === 'string' || typeof at === 'number' ? shanghai(at) : null
  return d ? d.toISOString().slice(0, 19) : ''
}
export function fromPicker(s: string | null | undefined): string | null {
  return s ? `${s.length === 16 ? s + ':00' : s.slice(0, 19)}.000+08:00` : null
}
export function isoShanghai(ms: number): string {
  return new Date(ms + SHANGHAI).toISOString().slice(0, 19) + '.000+08:00'
}

export function minutes(n: number | null | undefined, lang: Lang): string {
  if (n === null || n === undefined || !Number.isFinite(n)) return '—'
  const m = Math.round(Math.abs(n))
  const h = Math.floor(m / 60)
  const rest = m % 60
  const zh = lang === 'zh'
  const sign = n < 0 ? '-' : ''
  if (!h) return `${sign}${rest}${zh ? ' 分钟' : ' min'}`
  return `${sign}${h}${zh ? ' 小时' : ' h'}${rest ? ` ${rest}${zh ? ' 分' : ' min'}` : ''}`
}
/** Units of time in words; what is measured keeps its sign. */
const TIMES: Record<string, string> = { s: '秒', min: '分钟', h: '小时', d: '天' }
export const unitText = (unit: string | null | undefined, lang: Lang): string => (lang === 'zh' && unit ? TIMES[unit] ?? unit : unit ?? '')
/** "5 分钟前", "还有 2 小时", for instants near now; days beyond. */
export function relative(at: string | number | null | undefined, now: number, lang: Lang): string {
  const d = shanghai(at)
  if (!d) return '—'
  const diff = now - (d.getTime() - SHANGHAI)
  const zh = lang === 'zh'
  const a = Math.abs(diff)
  if (a < 60_000) return zh ? '刚刚' : 'just now'
  const [n, unit] = a < 3_600_000 ? [Math.floor(a / 60_000), zh ? '分钟' : 'min'] : a < DAY ? [Math.floor(a / 3_600_000), zh ? '小时' : 'h'] : [Math.floor(a / DAY), zh ? '天' : 'd']
  if (diff >= 0) return zh ? `${n} ${unit}前` : `${n} ${unit} ago`
  return zh ? `还有 ${n} ${unit}` : `in ${n} ${unit}`
}
/** fen -> 1,234.50 */
export function yuan(fen: number | null | undefined): string {
  if (fen === null || fen === undefined || !Number.isFinite(fen)) return '—'
  const a = Math.abs(Math.trunc(fen))
  const whole = String(Math.floor(a / 100)).replace(/\B(?=(\d{3})+$)/g, ',')
  return `${fen < 0 ? '-' : ''}${whole}.${pad(a % 100)}`
}
/** Text typed in yuan -> fen without passing through binary fractions; null when it is no amount. */
export function toFen(text: string): number | null {
  const m = /^\s*(-?)(\d{1,13})(?:\.(\d{0,2})0*)?\s*$/.exec(text.replace(/[,，]/g, ''))
  if (!m) return null
  const fen = Number(m[2]) * 100 + Number((m[3] ?? '').padEnd(2, '0') || '0')
  return m[1] && fen ? -fen : fen
}
export function fenText(fen: unknown): string {
  return typeof fen === 'number' ? yuan(fen).replace(/,/g, '').replace(/\.00$/, '') : ''
}
/** A measured value: at most four significant figures behind the point, no trailing zeros made up. */
export function measured(v: number | null | undefined): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return '—'
  return Math.abs(v) >= 1000 ? String(Math.round(v * 10) / 10) : String(Number(v.toPrecision(4)))
}
/** 6–9, 50, ≥ 2; nothing known is a dash. */
export function limitText(l: { low: number | null; high: number | null }): string {
  if (l.high === null) return l.low === null ? '—' : `≥ ${measured(l.low)}`
  return l.low === null ? measured(l.high) : `${measured(l.low)}–${measured(l.high)}`
}
export function size(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : bytes < 1_048_576 ? `${(bytes / 1024).toFixed(0)} kB` : `${(bytes / 1_048_576).toFixed(1)} MB`
}
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** {name} in a text is replaced from args, {n:row|rows} by the word that goes with the number; where Chinese meets a Latin word there is a space between them. */
export function fill(text: string, args: Record<string, string | number>): string {
  return text.replace(/\{(\w+)(?::(\w*)\|(\w*))?\}/g, (all, name: string, one: string | undefined, many: string | undefined, at: number) => {
    if (!(name in args)) return all
    const s = String(one === undefined ? args[name] : String(args[name]) === '1' ? one : many), end = at + all.length
    return (/\p{Script=Han}$/u.test(text.slice(0, at)) && /^[A-Za-z]/.test(s) ? ' ' : '') + s + (/[A-Za-z]$/.test(s) && /^\p{Script=Han}/u.test(text.slice(end)) ? ' ' : '')
  })
}
