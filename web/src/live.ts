import { onScopeDispose, ref } from 'vue'
import { api } from '@/api'
import { away } from '@/api/http'

export interface Reading { station_id: number; factor: string; kind: string; at: string; value: number | null; flag: string | null }
export interface AlarmEvent { id: number; station_id: number; [k: string]: unknown }
export interface RecordEvent { room: string; id: number; verb: string }
export interface LiveEvents { reading: Reading; alarm: AlarmEvent; record: RecordEvent; notice: Record<string, unknown>; reload: null }
type Name = keyof LiveEvents
type Handler<K extends Name> = (e: LiveEvents[K]) => void

export type LiveState = 'off' | 'connecting' | 'on' | 'waiting'
export const liveState = ref<LiveState>('off')

const handlers: { [K in Name]: Set<Handler<K>> } = { reading: new Set(), alarm: new Set(), record: new Set(), notice: new Set(), reload: new Set() }
let source: EventSource | null = null
let timer: ReturnType<typeof setTimeout> | undefined
let tries = 0
let wasOn = false

export function emit<K extends Name>(name: K, e: LiveEvents[K]): void {
  for (const h of handlers[name] as Set<Handler<K>>) h(e)
}
/** 1, 2, 4 ... 60 s, with a fifth of chance so that a restarted server is not stormed. */
export function backoff(n: number, random = Math.random()): number {
  return Math.min(60_000, 1000 * 2 ** Math.min(n, 6)) * (0.9 + 0.2 * random)
}
function listen<K extends Exclude<Name, 'reload'>>(es: EventSource, name: K): void {
  es.addEventListener(name, (e) => {
    try {
      emit(name, JSON.parse((e as MessageEvent<string>).data) as LiveEvents[K])
    } catch {
      /* one broken event must not end the stream */
    }
  })
}
export function startLive(): void {
  if (source) return
  clearTimeout(timer)
  liveState.value = 'connecting'
  const es = new EventSource('/api/v1/events')
  source = es
  es.onopen = () => {
    tries = 0
    liveState.value = 'on'
    away.value = false
    // What happened while we were away is not sent again: look once more.
    if (wasOn) emit('reload', null)
    wasOn = true
  }
  listen(es, 'reading')
  listen(es, 'alarm')
  listen(es, 'record')
  listen(es, 'notice')
  es.addEventListener('lost', () => emit('reload', null))
  es.onerror = () => {
    es.close()
    if (source !== es) return
    source = null
    liveState.value = 'waiting'
    timer = setTimeout(startLive, backoff(tries++))
    // An event source does not tell why: ask once. A log-in that has ended leads to the log-in page, a server that is away is said.
    void api.me({ quiet401: false }).catch(() => {})
  }
}
/** Does not wait for the next try. */
export function retryLive(): void {
  if (source) return
  tries = 0
  startLive()
}
export function stopLive(): void {
  clearTimeout(timer)
  source?.close()
  source = null
  wasOn = false
  tries = 0
  liveState.value = 'off'
}
/** Called for each event until the component goes. */
export function onLive<K extends Name>(name: K, fn: Handler<K>): void {
  ;(handlers[name] as Set<Handler<K>>).add(fn)
  onScopeDispose(() => (handlers[name] as Set<Handler<K>>).delete(fn))
}
