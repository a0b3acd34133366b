import { shallowReactive } from 'vue'
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
const names = shallowReactive(new Map<string, string>())
/** The name of a county or a town; '' until it is known, and for what lies deeper. */
export function areaName(code: string): string {
  const level = ({ 6: 'county', 9: 'town' } as Record<number, string>)[code.length]
  if (level && !names.has(code)) {
    names.set(code, '')
    areasOf(level, level === 'town' ? code.slice(0, 6) : undefined).then((all) => all.features.forEach((a) => names.set(a.properties.code, a.properties.name)), () => {})
  }
  return names.get(code) ?? ''
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
  names.clear()
}
