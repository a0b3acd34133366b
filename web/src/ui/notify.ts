import { reactive } from 'vue'
import { ApiError } from '@/api/http'
import { t } from '@/i18n'
import { ElMessage, ElNotification } from './el'

/** Read out by screen readers (App.vue holds the aria-live region). */
export const spoken = reactive({ text: '' })
export function say(text: string): void {
  spoken.text = ''
  requestAnimationFrame(() => (spoken.text = text))
}
export function done(text: string): void {
  say(text)
  ElMessage({ message: text, type: 'success', duration: 2600 })
}
export function errorText(e: unknown): string {
  if (e instanceof ApiError) {
    if (e.offline) return t('err.offline')
    if (e.status === 429 && e.retryAfter) return `${e.message} ${t('err.wait', { s: e.retryAfter })}`
    return e.message
  }
  return t('err.unknown')
}
export function failed(e: unknown): void {
  const text = errorText(e)
  say(text)
  ElMessage({ message: text, type: 'error', duration: 6000, showClose: true })
}
let shown: { close(): void } | null = null
/** One at a time: the newest replaces the one before, so that a busy hour does not cover the page. */
export function toast(title: string, message: string, open: (() => void) | null, bad = false): void {
  say(`${title} ${message}`)
  // Somebody is filling in a form: it is said, but nothing is laid over his buttons.
  if (document.querySelector('.el-overlay:not([style*="display: none"])')) return
  shown?.close()
  const note = ElNotification({
    title, message, type: bad ? 'warning' : 'info', position: 'bottom-right', duration: 6000, offset: window.innerWidth <= 760 ? 70 : 16,
    ...(open ? { onClick: () => { note.close(); open() }, customClass: 'clickable-note' } : {}),
  })
  shown = note
}
