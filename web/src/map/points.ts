import type { GeoJSONSource, Map as GlMap, MapLayerMouseEvent } from 'maplibre-gl'
import { MARKS } from '@/lib/light'
import { FONT, setData } from './base'
import { draw } from './symbols'

export interface MapPoint { id: number; title: string; lon: number; lat: number; mark: string; weight: number }

export interface PointHandlers { select(id: number): void; hover(id: number | null, title: string, at: [number, number] | null): void }

/** Source and layers of the points, with clusters; call once after the style has loaded. */
export function addPoints(map: GlMap, on: PointHandlers): void {
  for (const [name, mark] of Object.entries(MARKS)) map.addImage(name, draw(mark), { pixelRatio: 2 })
  const empty: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }
  map.addSource('points', { type: 'geojson', data: empty, cluster: true, clusterRadius: 38, clusterMaxZoom: 12, clusterMinPoints: 4, clusterProperties: { worst: ['max', ['get', 'weight']] } })
  map.addSource('focus', { type: 'geojson', data: empty })
  map.addLayer({ id: 'focus', type: 'circle', source: 'focus', paint: {
    'circle-radius': ['case', ['get', 'selected'], 19, 16], 'circle-color': 'rgba(10,132,198,.18)', 'circle-stroke-color': '#0a5f8f', 'circle-stroke-width': ['case', ['get', 'selected'], 3, 2] } })
  map.addLayer({ id: 'clusters', type: 'circle', source: 'points', filter: ['has', 'point_count'], paint: {
    'circle-color': ['match', ['get', 'worst'], 3, '#b9251d', 2, '#945800', '#0b6f80'],
    'circle-radius': ['step', ['get', 'point_count'], 14, 20, 18, 100, 23, 1000, 28], 'circle-stroke-color': '#fff', 'circle-stroke-width': 2.5, 'circle-opacity': 0.94 } })
  map.addLayer({ id: 'cluster-count', type: 'symbol', source: 'points', filter: ['has', 'point_count'],
    layout: { 'text-field': ['concat', ['get', 'point_count_abbreviated'], ['match', ['get', 'worst'], 3, '!', '']], 'text-font': FONT, 'text-size': 12.5, 'text-allow-overlap': true },
    paint: { 'text-color': '#fff' } })
  map.addLayer({ id: 'points', type: 'symbol', source: 'points', filter: ['!', ['has', 'point_count']],
    layout: { 'icon-image': ['get', 'mark'], 'icon-allow-overlap': true, 'symbol-sort-key': ['get', 'weight'] } })
  listen(map, on)
}

function listen(map: GlMap, on: PointHandlers): void {
  map.on('click', 'points', (e: MapLayerMouseEvent) => {
    const id = Number(e.features?.[0]?.properties.id)
    if (id) on.select(id)
  })
  map.on('click', 'clusters', (e: MapLayerMouseEvent) => {
    const f = e.features?.[0]
    if (!f || f.geometry.type !== 'Point') return
    const center = f.geometry.coordinates as [number, number]
    void (map.getSource('points') as GeoJSONSource).getClusterExpansionZoom(f.properties.cluster_id as number).then((zoom) => map.easeTo({ center, zoom: zoom + 0.3 }))
  })
  map.on('mousemove', 'points', (e: MapLayerMouseEvent) => {
    const f = e.features?.[0]
    if (!f || f.geometry.type !== 'Point') return
    map.getCanvas().style.cursor = 'pointer'
    on.hover(Number(f.properties.id), String(f.properties.title), f.geometry.coordinates as [number, number])
  })
  map.on('mouseleave', 'points', () => {
    map.getCanvas().style.cursor = ''
    on.hover(null, '', null)
  })
  map.on('mouseenter', 'clusters', () => (map.getCanvas().style.cursor = 'pointer'))
  map.on('mouseleave', 'clusters', () => (map.getCanvas().style.cursor = ''))
}

export function showPoints(map: GlMap, points: MapPoint[]): void {
  setData(map, 'points', {
    type: 'FeatureCollection',
    features: points.map((p) => ({ type: 'Feature', geometry: { type: 'Point', coordinates: [p.lon, p.lat] }, properties: { id: p.id, title: p.title, mark: p.mark, weight: p.weight } })),
  })
}
export function showFocus(map: GlMap, points: MapPoint[], selected: number | null, hovered: number | null): void {
  const features = points.filter((p) => p.id === selected || p.id === hovered)
    .map((p): GeoJSON.Feature => ({ type: 'Feature', geometry: { type: 'Point', coordinates: [p.lon, p.lat] }, properties: { selected: p.id === selected } }))
  setData(map, 'focus', { type: 'FeatureCollection', features })
}
