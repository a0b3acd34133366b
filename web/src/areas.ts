import { api } from './api'
import type { Areas } from './api/types'

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
/** Another account may see another part of the grid. */
export function forgetAreas(): void {
  cache.clear()
}
