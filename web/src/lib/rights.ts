import type { Right, RightRoom } from '@/api/types'

/* What a role may is a text of words parted by blanks: "matter.close", or patterns of many: "matter.*", "*.read", "*". */
export const EVERY = '*'

export const wordsOf = (text: unknown): string[] => String(text ?? '').split(/\s+/).filter(Boolean)
const partsOf = (word: string): [room: string, what: string] => {
  const dot = word.indexOf('.')
  return dot < 0 ? [EVERY, EVERY] : [word.slice(0, dot), word.slice(dot + 1)]
}
const fits = (pattern: string, part: string): boolean => pattern === EVERY || pattern === part

/** Does another of the words give this one already? */
export function isGiven(word: string, words: string[]): boolean {
  const [room, what] = partsOf(word)
  return words.some((w) => {
    const [r, x] = partsOf(w)
    return w !== word && fits(r, room) && fits(x, what)
  })
}
/** The names of all rights that a word stands for. */
function rightsOf(word: string, rooms: RightRoom[]): Right[] {
  const [room, what] = partsOf(word)
  return rooms.flatMap((r) => (fits(room, r.room) ? r.items.filter((i) => fits(what, partsOf(i.name)[1])) : []))
}
/** May the reader give it? Nobody gives what he has not got. */
export function mayGive(word: string, rooms: RightRoom[]): boolean {
  const all = rightsOf(word, rooms)
  return all.length > 0 && all.every((i) => i.perm)
}
/** What can be done in more than one room in the same words, so that "*.read" can be told: read, export ... */
export function common(rooms: RightRoom[]): Right[] {
  const seen = new Map<string, Right & { n: number }>()
  for (const i of rooms.flatMap((r) => r.items)) {
    const what = partsOf(i.name)[1], was = seen.get(what)
    seen.set(what, was ? { ...was, n: was.n + (was.zh === i.zh ? 1 : 0) } : { ...i, name: `*.${what}`, n: 1 })
  }
  return [...seen.values()].filter((c) => c.n > 1)
}

export interface Told { word: string; right: Right | null; all: boolean }
export interface ToldRoom { room: RightRoom | null; items: Told[] }
/** The words of a role by room: room null holds for all of them, `right` null is a word that nothing here knows. */
export function told(text: unknown, rooms: RightRoom[]): ToldRoom[] {
  const out: ToldRoom[] = []
  const every = common(rooms)
  for (const word of wordsOf(text)) {
    const [name, what] = partsOf(word)
    const room = rooms.find((r) => r.room === name) ?? null
    const right = (room ? room.items.find((i) => i.name === word) : every.find((i) => i.name === word)) ?? null
    const item = { word, right, all: what === EVERY && (!!room || name === EVERY) }
    const group = out.find((g) => g.room === room)
    if (group) group.items.push(item)
    else out.push({ room, items: [item] })
  }
  const order = (g: ToldRoom): number => (g.room ? rooms.indexOf(g.room) : -1)
  return out.sort((a, b) => order(a) - order(b))
}
/** Takes the word in, or out; what it gives besides is not said twice. */
export function toggled(text: unknown, word: string): string {
  const words = wordsOf(text)
  if (words.includes(word)) return words.filter((w) => w !== word).join(' ')
  const next = [...words, word]
  return next.filter((w) => w === word || !isGiven(w, [word])).join(' ')
}
