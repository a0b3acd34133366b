export type Box = [number, number, number, number]

export function boxOf(geometry: GeoJSON.Geometry): Box | null {
  let box: Box | null = null
  const eat = (c: unknown): void => {
    if (!Array.isArray(c)) return
    if (typeof c[0] === 'number' && typeof c[1] === 'number') {
      const [x, y] = c as [number, number]
      box = box ? [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)] : [x, y, x, y]
    } else c.forEach(eat)
  }
  if (geometry.type === 'GeometryCollection') geometry.geometries.forEach((g) => eat('coordinates' in g ? g.coordinates : []))
  else eat(geometry.coordinates)
  return box
}
export function joinBoxes(boxes: (Box | null)[]): Box | null {
  return boxes.reduce<Box | null>((a, b) => (!b ? a : !a ? b : [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])]), null)
}
export function boxesMeet(a: Box, b: Box): boolean {
  return a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3]
}

type Ring = GeoJSON.Position[]
function ringArea(r: Ring): number {
  let a = 0
  for (let i = 0; i + 1 < r.length; i++) a += r[i]![0]! * r[i + 1]![1]! - r[i + 1]![0]! * r[i]![1]!
  return a / 2
}
/** Where a name may stand: inside the largest ring, on the widest stretch of the horizontal line through its middle. */
export function labelPoint(g: GeoJSON.Polygon | GeoJSON.MultiPolygon): [number, number] | null {
  const polygons = g.type === 'Polygon' ? [g.coordinates] : g.coordinates
  const ring = polygons.map((p) => p[0]!).filter(Boolean).sort((a, b) => Math.abs(ringArea(b)) - Math.abs(ringArea(a)))[0]
  if (!ring || ring.length < 4) return null
  let cx = 0
  let cy = 0
  const area = ringArea(ring)
  if (!area) return null
  for (let i = 0; i + 1 < ring.length; i++) {
    const [x1, y1] = ring[i] as [number, number]
    const [x2, y2] = ring[i + 1] as [number, number]
    const k = x1 * y2 - x2 * y1
    cx += (x1 + x2) * k
    cy += (y1 + y2) * k
  }
  cx /= 6 * area
  cy /= 6 * area
  const cuts: number[] = []
  for (let i = 0; i + 1 < ring.length; i++) {
    const [x1, y1] = ring[i] as [number, number]
    const [x2, y2] = ring[i + 1] as [number, number]
    if (y1 > cy !== y2 > cy) cuts.push(x1 + ((cy - y1) / (y2 - y1)) * (x2 - x1))
  }
  cuts.sort((a, b) => a - b)
  let best: [number, number] = [cx, cx]
  for (let i = 0; i + 1 < cuts.length; i += 2) {
    const [a, b] = [cuts[i]!, cuts[i + 1]!]
    if (a <= cx && cx <= b) return [cx, cy]
    if (b - a > best[1] - best[0]) best = [a, b]
  }
  return [(best[0] + best[1]) / 2, cy]
}

/** The shape of a record: a geometry member (object or GeoJSON text), or its lon/lat. */
export function geometryOf(row: Record<string, unknown>): GeoJSON.Geometry | null {
  for (const name of ['shape', 'geometry', 'geom', 'area']) {
    let v = row[name]
    if (typeof v === 'string' && v.startsWith('{')) {
      try {
        v = JSON.parse(v)
      } catch {
        continue
      }
    }
    if (v && typeof v === 'object' && 'type' in v) return ('geometry' in v ? v.geometry : v) as GeoJSON.Geometry
  }
  const { lon, lat } = row
  return typeof lon === 'number' && typeof lat === 'number' ? { type: 'Point', coordinates: [lon, lat] } : null
}
