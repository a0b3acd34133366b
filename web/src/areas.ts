import { api } from './api'
import type { Areas } from './api/types'
import { boxOf, type Box } from './lib/geo'
import { session } from './session'

/* Areas change by a decision of the government, not within a visit: asked once per level and parent. */
const cache = new Map<string, Promise<Areas>>()
export function areasOf(level: string, parent?: string): Promise<Areas> {
  const key = `${level}/${parent ?? ''}`
  let p = cache.get(key)
  if (!p) {
    p = api.areas(level, parent)
    cache.set(key, p)
    p.catch(() => cache.delete(key))
  }
  return p
}
/** The reader's own township or county; null when his area is larger. Villages are too small to begin with. */
export async function ownBox(): Promise<Box | null> {
  const code = session.me?.grid_code ?? ''
  if (code.length < 6) return null
  const own = code.slice(0, code.length < 9 ? 6 : 9)
  const hit = (await areasOf(own.length === 6 ? 'county' : 'town')).features.find((a) => a.properties.code === own)
  return hit ? boxOf(hit.geometry) : null
}
/** Another account may see another part of the grid. */
export function forgetAreas(): void {
  cache.clear()
}
