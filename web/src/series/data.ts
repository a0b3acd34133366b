import { computed, onScopeDispose, reactive, ref, shallowRef, watch, type Ref } from 'vue'
import { api } from '@/api'
import type { Series, SeriesAsk } from '@/api/types'
import { isoShanghai } from '@/lib/format'
import { debounce } from '@/lib/time'
import { onLive, type Reading } from '@/live'
import { appended, refined } from './lines'
import { RANGES, spanOf, windowOf, type SeriesView } from './view'

/** Two points for each pixel: the lowest and the highest of what lies under it. */
const POINTS = 1600
export const keyOf = (s: { station_id: number; factor: string }): string => `${s.station_id} ${s.factor}`

/** The curves of a view: a coarse answer for the whole range, a fine one for the part that is zoomed, and what arrives meanwhile. */
export function useSeries(view: Ref<SeriesView>, factors: Ref<string[]>) {
  const coarse = shallowRef<Series[]>([])
  const fine = shallowRef<Series[]>([])
  const fineOf = shallowRef<[number, number] | null>(null)
  const now = ref(Date.now())
  const state = reactive({ loading: false, refining: false, error: null as unknown, asked: 0 })
  const span = computed(() => spanOf(view.value, now.value))
  const window = computed(() => windowOf(view.value, span.value))
  const growing = computed(() => view.value.range !== 'custom' || !view.value.to)
  let abort: AbortController | null = null
  let abortFine: AbortController | null = null

  const askOf = ([from, to]: [number, number]): SeriesAsk => ({ station: view.value.stations.join(','), factor: factors.value.join(','), kind: view.value.kind, from: isoShanghai(from), to: isoShanghai(to), ...(view.value.measured ? {} : { converted: 1 as const }) })
  async function load(quiet = false): Promise<void> {
    abort?.abort()
    if (!factors.value.length) return void (coarse.value = [])
    const mine = (abort = new AbortController())
    now.value = Date.now()
    if (!quiet) state.loading = true
    state.error = null
    try {
      const r = await api.series({ ...askOf(span.value), points: POINTS }, mine.signal)
      if (mine.signal.aborted) return
      coarse.value = r.series
      state.asked++
      void refine()
    } catch (e) {
      if (!mine.signal.aborted) state.error = e
    } finally {
      if (!mine.signal.aborted) state.loading = false
    }
  }
  /** Asks again for the zoomed part, where the coarse answer left points out. */
  async function refine(): Promise<void> {
    abortFine?.abort()
    const w = window.value
    if (!w || !coarse.value.some((s) => s.points.length < s.stat.n)) return void ((fine.value = []), (fineOf.value = null))
    const mine = (abortFine = new AbortController())
    state.refining = true
    try {
      const r = await api.series({ ...askOf(w), points: POINTS }, mine.signal)
      if (mine.signal.aborted) return
      fine.value = r.series
      fineOf.value = w
      state.asked++
    } catch (e) {
      if (!mine.signal.aborted) state.error = e
    } finally {
      if (!mine.signal.aborted) state.refining = false
    }
  }
  watch(() => JSON.stringify([view.value.measured, view.value.stations, factors.value, view.value.kind, view.value.range, view.value.from, view.value.to]), () => void load(), { immediate: true })
  watch(() => JSON.stringify(view.value.window), () => void refine())

  const series = computed(() => coarse.value.map((s) => (fineOf.value ? refined(s, fine.value.find((x) => keyOf(x) === keyOf(s)), fineOf.value) : s)))

  /* Readings come in bursts of whole packets: they are drawn together. */
  let heard: Reading[] = []
  const takeHeard = debounce(() => {
    const burst = heard
    heard = []
    now.value = Date.now()
    coarse.value = coarse.value.map((s) => burst.filter((e) => keyOf(e) === keyOf(s)).reduce((x, e) => appended(x, Date.parse(e.at), e.value, e.flag), s))
  }, 400)
  onLive('reading', (e) => {
    if (!growing.value || e.kind !== view.value.kind || !view.value.stations.includes(e.station_id) || !factors.value.includes(e.factor)) return
    heard.push(e)
    takeHeard()
  })
  onLive('reload', () => void load(true))
  /* Appended points pile up: now and then the server's thinning is asked for again, sooner for short ranges. */
  const timer = setInterval(() => growing.value && !document.hidden && void load(true), view.value.range !== 'custom' && RANGES[view.value.range] <= RANGES['24h'] ? 60_000 : 300_000)
  onScopeDispose(() => clearInterval(timer))

  return { series, span, window, state, load, askOf, now }
}
