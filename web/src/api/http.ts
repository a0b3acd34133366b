import { ref } from 'vue'
import { lang } from '@/i18n/lang'

/** Requests that have no answer yet. */
export const asking = ref(0)
/** The last request, or the live connection, did not reach the server. */
export const away = ref(false)

/** A refusal of the server (problem+json), or the network being away (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(message)
  }
  get offline(): boolean {
    return this.status === 0
  }
}

let csrf = ''
let onExpired: () => void = () => {}
export function setCsrf(token: string): void {
  csrf = token
}
export function whenExpired(fn: () => void): void {
  onExpired = fn
}

async function toError(res: Response): Promise<ApiError> {
  let body: { code?: string; detail?: string; title?: string; field?: string | null } = {}
  try {
    body = await res.json()
  } catch {
    /* a proxy may answer in its own words */
  }
  const wait = Number(res.headers.get('Retry-After'))
  return new ApiError(res.status, body.code ?? String(res.status), body.detail || body.title || `HTTP ${res.status}`, body.field ?? null, wait > 0 ? wait : null)
}

export interface Ask {
  method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  json?: unknown
  body?: BodyInit
  type?: string
  signal?: AbortSignal
  /** true: a 401 is the caller's business (log-in form, first look at /me). */
  quiet401?: boolean
}

export async function send(path: string, ask: Ask = {}): Promise<Response> {
  const headers: Record<string, string> = { 'Accept-Language': lang.value === 'zh' ? 'zh-CN' : 'en' }
  const method = ask.method ?? 'GET'
  if (method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf
  let body = ask.body
  if (ask.json !== undefined) {
    headers['Content-Type'] = 'application/json'
    body = JSON.stringify(ask.json)
  } else if (ask.type) headers['Content-Type'] = ask.type
  let res: Response
  asking.value++
  try {
    res = await fetch(path, { method, headers, body: body ?? null, signal: ask.signal ?? null, credentials: 'same-origin' })
    away.value = false
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e
    away.value = true
    throw new ApiError(0, 'network', '')
  } finally {
    asking.value--
  }
  if (res.ok) return res
  const err = await toError(res)
  if (res.status === 401 && !ask.quiet401) onExpired()
  throw err
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send(path, signal ? { signal } : {})).json() as Promise<T>
}
export async function post<T>(path: string, json: unknown, extra: Ask = {}): Promise<T> {
  const res = await send(path, { method: 'POST', json, ...extra })
  return (res.status === 204 ? undefined : await res.json()) as T
}
export async function patch<T>(path: string, json: unknown): Promise<T> {
  return (await send(path, { method: 'PATCH', json })).json() as Promise<T>
}

/** ?a=1&b=2 of what is set; empty string when nothing is. */
export function query(params: Record<string, string | number | boolean | null | undefined>): string {
  const p = new URLSearchParams()
  for (const [k, v] of Object.entries(params)) if (v !== null && v !== undefined && v !== '' && v !== false) p.set(k, String(v))
  const s = p.toString()
  return s ? '?' + s : ''
}
