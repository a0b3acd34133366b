import { describe, expect, it } from 'vitest'
import type { RightRoom } from '@/api/types'
import { common, isGiven, mayGive, told, toggled } from '@/lib/rights'

const right = (name: string, zh: string, perm = true) => ({ name, zh, en: zh, perm })
const rooms: RightRoom[] = [
  { room: 'alarm', zh: '报警', en: 'Alarms', items: [right('alarm.read', '查看'), right('alarm.close', '关闭')] },
  { room: 'matter', zh: '事项', en: 'Matters', items: [right('matter.read', '查看'), right('matter.close', '结案', false)] },
]

describe('rights', () => {
  it('are told by room, what holds everywhere first', () => {
    const groups = told('matter.close alarm.* *.read old.thing', rooms)
    expect(groups.map((g) => [g.room?.room ?? '*', g.items.map((i) => [i.word, i.right?.zh ?? null, i.all])])).toEqual([
      ['*', [['*.read', '查看', false], ['old.thing', null, false]]],
      ['alarm', [['alarm.*', null, true]]],
      ['matter', [['matter.close', '结案', false]]],
    ])
    expect(told('*', rooms)[0]!.items[0]).toEqual({ word: '*', right: null, all: true })
    expect(told(null, rooms)).toEqual([])
  })
  it('that several rooms have in the same words can be given for all', () => {
    expect(common(rooms).map((i) => i.name)).toEqual(['*.read'])
  })
  it('are given by wider ones', () => {
    expect(isGiven('matter.close', ['matter.*'])).toBe(true)
    expect(isGiven('matter.read', ['*.read'])).toBe(true)
    expect(isGiven('matter.*', ['*'])).toBe(true)
    expect(isGiven('*.read', ['*'])).toBe(true)
    expect(isGiven('matter.close', ['matter.close', '*.read', 'alarm.*'])).toBe(false)
    expect(isGiven('*', ['*'])).toBe(false)
  })
  it('are given only by who has them', () => {
    expect(['alarm.close', 'matter.close', 'alarm.*', 'matter.*', '*.read', '*', 'old.thing'].map((w) => mayGive(w, rooms))).toEqual([true, false, true, false, true, false, false])
  })
  it('are taken in and out, and not said twice', () => {
    expect(toggled('*.read', 'alarm.close')).toBe('*.read alarm.close')
    expect(toggled('alarm.close alarm.read matter.read', 'alarm.*')).toBe('matter.read alarm.*')
    expect(toggled('alarm.read  alarm.close', 'alarm.read')).toBe('alarm.close')
    expect(toggled('', '*')).toBe('*')
  })
})
