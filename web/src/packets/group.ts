import type { PacketField } from './types'

/** One row for each factor, one column for each kind of value: Rtd, Min, Avg, Max, Cou, Flag, as they first appear. */
export interface Grouped { single: PacketField[]; stats: string[]; factors: { code: string; first: PacketField; by: Map<string, PacketField> }[] }
export function grouped(fields: PacketField[]): Grouped {
  const single = fields.filter((f) => !f.stat)
  const stats: string[] = []
  const factors = new Map<string, Grouped['factors'][number]>()
  for (const f of fields) {
    if (!f.stat) continue
    if (!stats.includes(f.stat)) stats.push(f.stat)
    const row = factors.get(f.code) ?? { code: f.code, first: f, by: new Map() }
    row.by.set(f.stat, f)
    factors.set(f.code, row)
  }
  return { single, stats, factors: [...factors.values()] }
}
/** raw cut around `length` bytes at `offset`: what is before, the part, what is after. */
export function cutAt(raw: string, offset: number, length: number): [string, string, string] {
  const bytes = new TextEncoder().encode(raw)
  const text = (a: number, b: number): string => new TextDecoder().decode(bytes.subarray(a, b))
  return [text(0, offset), text(offset, offset + length), text(offset + length, bytes.length)]
}
