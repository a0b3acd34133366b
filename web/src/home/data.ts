import { computed, reactive, ref, shallowRef, watch, type Ref } from 'vue'
import { api } from '@/api'
import type { LiveStation, Room, Row } from '@/api/types'
import { inBbox, listParams, splitCodes, type View } from '@/lib/filters'
import { lightOf, lit, stationStateOf, weightOf } from '@/lib/light'
import { debounce } from '@/lib/time'
import { onLive, type Reading } from '@/live'
import { newestKinds, take } from '@/lib/live'
import type { MapPoint } from '@/map/points'
import { statesOf, titleOf } from '@/session'

/** One line of the list beside the map, whatever the room. */
export interface HomeItem { id: number; title: string; mark: string; row: Row | null; station: LiveStation | null }

/** List and points of the chosen layer: twins, fed by the same filters. */
export function useHome(view: Ref<View>, room: Ref<Room | undefined>) {
  const rows = shallowRef<Row[]>([])
  const features = shallowRef<GeoJSON.Feature[]>([])
  const stations = ref<LiveStation[]>([])
  const state = reactive({ loading: false, more: false, error: null as unknown, next: null as string | null, total: 0, totalMore: false, truncated: false })
  const isStation = computed(() => room.value?.name === 'station')
  let abort: AbortController | null = null

  async function load(quiet = false): Promise<void> {
    const r = room.value
    if (!r) return
    abort?.abort()
    const mine = (abort = new AbortController())
    state.error = null
    if (!quiet) state.loading = true
    try {
      if (r.name === 'station') stations.value = (await api.live()).items.map(newestKinds)
      else {
        const params = listParams(r, view.value)
        const [page, map] = await Promise.all([api.list(r.name, { ...params, limit: 50 }, mine.signal), api.map(r.name, params, mine.signal)])
        if (mine.signal.aborted) return
        rows.value = lit(page.items, page.lights)
        Object.assign(state, { next: page.next, total: page.total ?? page.items.length, totalMore: !!page.more, truncated: !!map.truncated })
        features.value = map.lights ? map.features.map((f) => ({ ...f, properties: { ...f.properties, ...map.lights![String(f.properties?.id)] } })) : map.features
      }
    } catch (e) {
      if (!mine.signal.aborted) state.error = e
    } finally {
      if (!mine.signal.aborted) state.loading = false
    }
  }
  async function loadMore(): Promise<void> {
    const r = room.value
    if (!r || !state.next || state.more) return
    state.more = true
    try {
      const page = await api.list(r.name, { ...listParams(r, view.value), limit: 50, after: state.next })
      rows.value = [...rows.value, ...lit(page.items, page.lights)]
      state.next = page.next
    } catch (e) {
      state.error = e
    } finally {
      state.more = false
    }
  }
  const shownStations = computed(() => stations.value.filter((s) => {
    const { f, q, bbox } = view.value
    const states = splitCodes(f.state)
    const kinds = splitCodes(f.kind)
    return (!states.length || states.includes(s.state)) && (!kinds.length || kinds.includes(s.kind)) && (!f.grid_code || (s.grid_code ?? '').startsWith(f.grid_code)) &&
      (!q || s.name.toLowerCase().includes(q.toLowerCase())) && inBbox(bbox, s.lon, s.lat)
  }))
  const items = computed<HomeItem[]>(() => isStation.value
    ? [...shownStations.value].sort((a, b) => weightOf('station-' + b.state) - weightOf('station-' + a.state)).map((s) => ({ id: s.id, title: s.name, mark: 'station-' + stationStateOf(s.state), row: null, station: s }))
    : rows.value.map((row) => ({ id: row.id, title: titleOf(room.value, row), mark: markOf(row, room.value), row, station: null })))
  const points = computed<MapPoint[]>(() => isStation.value ? shownStations.value.flatMap(stationPoint) : features.value.flatMap((f) => featurePoint(f, room.value)))
  const anyLight = computed(() => features.value.some((f) => f.properties?.light !== undefined))
  const total = computed(() => (isStation.value ? shownStations.value.length : state.total))

  const key = computed(() => JSON.stringify([view.value.layer, view.value.q, view.value.bbox, view.value.f]))
  watch([key, room], ([, r], before) => {
    if (isStation.value && before && r === before[1] && stations.value.length) return // filtered here, no need to ask
    if (before?.[1] !== r) rows.value = []
    void load()
  }, { immediate: true })

  const again = debounce(() => void load(true), 1200)
  onLive('reload', () => void load(true))
  onLive('record', (e) => e.room === room.value?.name && again())
  onLive('alarm', () => isStation.value && again())
  function hear(e: Reading): LiveStation | null {
    const s = stations.value.find((x) => x.id === e.station_id)
    if (!s) return null
    s.last_at = e.at
    if (s.state === 'offline') s.state = 'normal'
    take(s, e)
    return s
  }
  return { items, points, total, state, stations, anyLight, isStation, load, loadMore, hear }
}

function stationPoint(s: LiveStation): MapPoint[] {
  if (s.lon === null || s.lat === null) return []
  const mark = 'station-' + stationStateOf(s.state)
  return [{ id: s.id, title: s.name, lon: s.lon, lat: s.lat, mark, weight: weightOf(mark) }]
}
/** By its light where the server tells it; a row of a room with deadlines that has none waits for nobody. Else by its state. */
function markOf(p: Record<string, unknown>, room: Room | undefined): string {
  if (p.light !== undefined) return 'light-' + lightOf(p.light)
  if (room?.steps) return 'done'
  const state = statesOf(room).find((s) => s.code === p[room?.state_field ?? 'state'])
  return state ? (state.final ? 'done' : 'open') : 'place'
}
function featurePoint(f: GeoJSON.Feature, room: Room | undefined): MapPoint[] {
  if (f.geometry?.type !== 'Point') return []
  const p = f.properties ?? {}
  const mark = markOf(p, room)
  return [{ id: Number(p.id ?? f.id), title: String(p.title ?? ''), lon: f.geometry.coordinates[0]!, lat: f.geometry.coordinates[1]!, mark, weight: weightOf(mark) }]
}
