import { Map as GlMap, setWorkerUrl, type StyleSpecification } from 'maplibre-gl'
import 'maplibre-gl/dist/maplibre-gl.css'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url'
import { api } from '@/api'
import { lang } from '@/i18n'

setWorkerUrl(new URL(workerUrl, location.href).href)

const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }
/** Families of the reader's own machine. The style names no glyphs address, so every letter is drawn locally. */
export const FONT = ['PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'sans-serif']
const source = (data: GeoJSON.FeatureCollection = EMPTY) => ({ type: 'geojson' as const, data })
export const ZIBO: [number, number, number, number] = [117.5, 35.9, 118.6, 37.3]
export const TOWN_ZOOM = 9.6
export const VILLAGE_ZOOM = 12

/** A name that would lie under a sign or a greater name steps aside. */
const ASIDE = { 'text-variable-anchor': ['center', 'top', 'bottom', 'left', 'right'], 'text-radial-offset': 0.9 }

export function baseStyle(): StyleSpecification {
  const text = (size: number, color: string, extra = {}) => ({
    layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': size, 'text-padding': 3, ...extra },
    paint: { 'text-color': color, 'text-halo-color': 'rgba(255,255,255,.92)', 'text-halo-width': 1.4 },
  })
  const dash = (yes: number[]) => ({ 'line-dasharray': yes })
  return {
    version: 8,
    sources: { county: source(), town: source(), village: source(), label: source(), rivers: source(), lakes: source(), places: source() },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': '#e6eff0' } },
      { id: 'county-fill', type: 'fill', source: 'county', paint: { 'fill-color': '#fbfdfc' } },
      { id: 'lakes', type: 'fill', source: 'lakes', paint: { 'fill-color': '#b5dbea' } },
      { id: 'rivers', type: 'line', source: 'rivers', paint: { 'line-color': '#86c0d8', 'line-width': ['interpolate', ['linear'], ['zoom'], 7, 1.2, 12, 4] } },
      { id: 'village-line', type: 'line', source: 'village', minzoom: VILLAGE_ZOOM, paint: { 'line-color': '#b9c9cd', 'line-width': 0.8, ...dash([2, 2]) } },
      { id: 'town-line', type: 'line', source: 'town', minzoom: TOWN_ZOOM, paint: { 'line-color': '#93adb5', 'line-width': 1, ...dash([4, 2]) } },
      { id: 'county-line', type: 'line', source: 'county', paint: { 'line-color': '#4b7e8b', 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 1.2, 12, 2.2] } },
      { id: 'place-name', type: 'symbol', source: 'places', maxzoom: 9.5, ...text(11, '#6a828b') },
      { id: 'village-name', type: 'symbol', source: 'label', minzoom: VILLAGE_ZOOM, filter: ['==', ['get', 'level'], 'village'], ...text(11, '#5b7680', ASIDE) },
      { id: 'town-name', type: 'symbol', source: 'label', minzoom: TOWN_ZOOM, filter: ['==', ['get', 'level'], 'town'], ...text(12, '#3c5a66', ASIDE) },
      { id: 'county-name', type: 'symbol', source: 'label', maxzoom: 12.5, filter: ['==', ['get', 'level'], 'county'],
        ...text(14, '#0d4d61', { 'text-letter-spacing': 0.12, ...ASIDE }) },
    ] as StyleSpecification['layers'],
  }
}

let water: Promise<Record<'rivers' | 'lakes' | 'places', GeoJSON.FeatureCollection>> | null = null
/** Rivers, lakes and places are fetched once for all maps of the visit; a server without them leaves the map plain. */
function waters(): NonNullable<typeof water> {
  const quiet = (what: 'rivers' | 'lakes' | 'places') => api.basemap(what).catch(() => EMPTY)
  water ??= Promise.all([quiet('rivers'), quiet('lakes'), quiet('places')]).then(([rivers, lakes, places]) => ({ rivers, lakes, places }))
  return water
}
export function setData(map: GlMap, id: string, data: GeoJSON.FeatureCollection): void {
  const s = map.getSource(id)
  if (s && 'setData' in s) (s as { setData(d: GeoJSON.FeatureCollection): void }).setData(data)
}

export interface MapOptions { bounds?: [number, number, number, number]; at?: [number, number, number]; small?: boolean }
/** A map whose every byte comes from our own server. Throws where the machine has no WebGL. */
export function openMap(container: HTMLElement, o: MapOptions): GlMap {
  const zh = lang.value === 'zh'
  const map = new GlMap({
    container,
    style: baseStyle(),
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    renderWorldCopies: false,
    minZoom: 5,
    maxZoom: 18,
    fadeDuration: 0,
    localIdeographFontFamily: FONT.join(','),
    ...(o.at ? { center: [o.at[0], o.at[1]] as [number, number], zoom: o.at[2] } : { bounds: o.bounds ?? ZIBO, fitBoundsOptions: { padding: o.small ? 12 : 30, maxZoom: 14 } }),
    locale: zh
      ? { 'NavigationControl.ZoomIn': '放大', 'NavigationControl.ZoomOut': '缩小', 'NavigationControl.ResetBearing': '回正', 'Map.Title': '地图', 'GeolocateControl.FindMyLocation': '我的位置', 'GeolocateControl.LocationNotAvailable': '无法定位' }
      : {},
  })
  map.touchZoomRotate.disableRotation()
  map.keyboard.disableRotation()
  map.once('load', () => {
    map.resize() // the page may have given it its width only after it was made
    void waters().then((w) => {
      if (!map.getSource('rivers')) return
      setData(map, 'rivers', w.rivers)
      setData(map, 'lakes', w.lakes)
      setData(map, 'places', localNames(w.places))
    })
  })
  return map
}
function localNames(places: GeoJSON.FeatureCollection): GeoJSON.FeatureCollection {
  const zh = lang.value === 'zh'
  // A name in letters that the reader did not choose helps nobody.
  const readable = (f: GeoJSON.Feature) => !zh || /[\u4e00-\u9fff]/.test(String(f.properties?.name_zh ?? f.properties?.name ?? ''))
  const features = places.features.filter(readable).map((f) => ({ ...f, properties: { ...f.properties, name: (zh && f.properties?.name_zh) || f.properties?.name_en || f.properties?.name } }))
  return { ...places, features }
}
