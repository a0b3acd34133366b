import { describe, expect, it } from 'vitest'
import { cutAt, grouped } from '@/packets/group'
import type { PacketField } from '@/packets/types'

const field = (code: string, stat: string | null, value: string): PacketField => ({ code, stat, value, offset: 0, length: 0, zh: null, en: null, unit: null })

describe('a packet field by field', () => {
  it('puts what belongs to one factor into one row', () => {
    const g = grouped([field('DataTime', null, '20261126'), field('w01018', 'Rtd', '12.5'), field('w01018', 'Flag', 'N'), field('a21026', 'Avg', '3'), field('w01018', 'Avg', '12')])
    expect(g.single.map((f) => f.code)).toEqual(['DataTime'])
    expect(g.stats).toEqual(['Rtd', 'Flag', 'Avg'])
    expect(g.factors.map((r) => [r.code, [...r.by.keys()]])).toEqual([['w01018', ['Rtd', 'Flag', 'Avg']], ['a21026', ['Avg']]])
  })
  it('marks a part by bytes, not by letters', () => {
    expect(cutAt('Info=//清洗//;x=1', 13 + 2, 3)).toEqual(['Info=//清洗//', ';x=', '1'])
    expect(cutAt('##0010', 2, 4)).toEqual(['##', '0010', ''])
  })
})
