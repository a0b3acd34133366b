import type { Map as GlMap } from 'maplibre-gl'
import type { AreaProps, Areas } from '@/api/types'
import { areasOf, ownBox } from '@/areas'
import { boxesMeet, boxOf, joinBoxes, labelPoint, type Box } from '@/lib/geo'
import { setData, TOWN_ZOOM, VILLAGE_ZOOM } from './base'

type Area = Areas['features'][number]
const boxes = new WeakMap<Area, Box | null>()
function boxOfArea(a: Area): Box | null {
  if (!boxes.has(a)) boxes.set(a, boxOf(a.geometry))
  return boxes.get(a) ?? null
}

/** Counties at once, townships when one looks closer, villages of the townships in view closer still. */
export class AreaLayers {
  private counties: Area[] = []
  private towns: Area[] = []
  private villages = new Map<string, Area[]>()
  private busy = false
  private gone = false

  constructor(private map: GlMap, private generated: (shown: boolean) => void) {
    map.on('moveend', this.look)
    map.once('remove', () => (this.gone = true))
  }
  /** Answers with what the reader looks at first: his own area, else every county. */
  async start(): Promise<Box | null> {
    this.counties = (await areasOf('county')).features
    if (this.gone) return null
    setData(this.map, 'county', { type: 'FeatureCollection', features: this.counties })
    this.names()
    void this.look()
    return (await ownBox().catch(() => null)) ?? joinBoxes(this.counties.map(boxOfArea))
  }
  private inView(a: Area): boolean {
    const b = this.map.getBounds()
    const box = boxOfArea(a)
    return !!box && boxesMeet(box, [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()])
  }
  private look = async (): Promise<void> => {
    if (this.busy || this.gone) return
    this.busy = true
    try {
      const zoom = this.map.getZoom()
      if (zoom >= TOWN_ZOOM - 0.4 && !this.towns.length) {
        this.towns = (await areasOf('town')).features
        if (this.gone) return
        setData(this.map, 'town', { type: 'FeatureCollection', features: this.towns })
        this.names()
      }
      if (zoom >= VILLAGE_ZOOM - 0.2) await this.lookForVillages()
    } catch {
      /* a grid that cannot be drawn leaves the points in place; the next move tries again */
    } finally {
      this.busy = false
      if (!this.gone) this.mark()
    }
  }
  private async lookForVillages(): Promise<void> {
    const missing = this.towns.filter((t) => this.inView(t) && !this.villages.has(t.properties.code)).slice(0, 8)
    if (!missing.length) return
    const found = await Promise.all(missing.map((t) => areasOf('village', t.properties.code)))
    if (this.gone) return
    missing.forEach((t, i) => this.villages.set(t.properties.code, found[i]!.features))
    setData(this.map, 'village', { type: 'FeatureCollection', features: [...this.villages.values()].flat() })
    this.names()
  }
  private names(): void {
    const features = [...this.counties, ...this.towns, ...[...this.villages.values()].flat()].flatMap((a): GeoJSON.Feature[] => {
      const at = labelPoint(a.geometry)
      return at ? [{ type: 'Feature', geometry: { type: 'Point', coordinates: at }, properties: a.properties as AreaProps as unknown as GeoJSON.GeoJsonProperties }] : []
    })
    setData(this.map, 'label', { type: 'FeatureCollection', features })
  }
  /** Tells whether any boundary now on the screen was generated. */
  private mark(): void {
    const zoom = this.map.getZoom()
    const shown = [...this.counties, ...(zoom >= TOWN_ZOOM ? this.towns : []), ...(zoom >= VILLAGE_ZOOM ? [...this.villages.values()].flat() : [])]
    this.generated(shown.some((a) => a.properties.generated && this.inView(a)))
  }
}
