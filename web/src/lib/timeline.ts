import type { ClockStep, FileInfo, TimelineItem } from '@/api/types'

const near = (a: string | null | undefined, b: string): boolean => !!a && Math.abs(Date.parse(a) - Date.parse(b)) < 5000

/** The clock step that a move ended: how long its holder took of what was allowed. */
export function stepEndedBy(item: TimelineItem, steps: ClockStep[]): ClockStep | null {
  if (item.kind !== 'move' || !item.from) return null
  return steps.find((s) => s.state === item.from && near(s.ended_at, item.at)) ?? null
}
export function isPhoto(f: FileInfo): boolean {
  return f.type.startsWith('image/')
}
/** First photos on record against the last ones: what it was, what it is now. Null until there are both. */
export function beforeAfter(items: TimelineItem[]): { before: FileInfo; after: FileInfo; beforeAt: string; afterAt: string } | null {
  const shots = items.flatMap((i) => (i.files ?? []).filter(isPhoto).map((file) => ({ file, item: i })))
  const a = shots[0]
  const b = shots.at(-1)
  return a && b && a.item !== b.item && a.file.hash !== b.file.hash ? { before: a.file, after: b.file, beforeAt: a.item.at, afterAt: b.item.at } : null
}
