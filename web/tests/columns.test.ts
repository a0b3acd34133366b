import { describe, expect, it } from 'vitest'
import type { Field, Room, Row } from '@/api/types'
import { foldAway, listColumns, measuredIn, refText, sparable } from '@/lib/columns'

const field = (name: string, more: Partial<Field> = {}): Field => ({ name, zh: name, en: name, type: 'text', list: true, ...more })
const room: Room = {
  name: 'alarm', zh: '报警', en: 'Alarms', title_field: 'title', state_field: 'state', verbs: [],
  fields: [field('id', { type: 'id' }), field('grid_code'), field('title'), field('station_id', { type: 'id', ref: 'station' }), field('type', { type: 'enum' }), field('state', { type: 'enum' }), field('value', { type: 'real' }), field('ended_at', { type: 'ms' }), field('count', { type: 'int' }), field('unit'), field('note', { list: false })],
}
const rows: Row[] = [{ id: 1, grid_code: '3703', title: '一号站 氨氮超标', station_id: 7, station_id_label: '一号站', type: '超标', state: 'open', value: 5, ended_at: null, count: 3, unit: 'mg/L' }]
const says = (f: Field, row: Row): string => (f.ref ? refText(f, row, String(row.title)) : String(row[f.name] ?? ''))
const names = (list: Field[]): string[] => list.map((f) => f.name)

describe('the columns of a list', () => {
  it('begin with the title; a unit stands beside its values', () => {
    expect(names(listColumns(room))).toEqual(['title', 'grid_code', 'station_id', 'type', 'state', 'value', 'ended_at', 'count'])
    expect(names(listColumns({ ...room, fields: room.fields.filter((f) => f.name !== 'value') }))).toContain('unit')
    expect(measuredIn(field('value'), rows[0]!)).toBe('mg/L')
    expect(measuredIn(field('count'), rows[0]!)).toBeNull()
    expect(measuredIn(field('value'), { ...rows[0], unit: null })).toBeNull()
  })
  it('are spared by what they tell: empty ones, what the title tells, then from the right', () => {
    expect(names(sparable(room, listColumns(room), rows, (r) => String(r.title), says, ''))).toEqual(['ended_at', 'type', 'station_id', 'count', 'value'])
    expect(names(sparable(room, listColumns(room), rows, (r) => String(r.title), says, '-ended_at'))).not.toContain('ended_at')
    const other = { ...rows[0]!, id: 2, title: '二号站 氨氮超标', ended_at: '2026-11-24' }
    expect(names(sparable(room, listColumns(room), [rows[0]!, other], (r) => String(r.title), says, ''))).toEqual(['type', 'count', 'ended_at', 'value', 'station_id'])
  })
  it('are folded away until the rest fits, and none in vain', () => {
    const order = [{ name: 'a', width: 40 }, { name: 'b', width: 60 }, { name: 'c', width: 100 }]
    expect(foldAway(0, order)).toEqual([])
    expect(foldAway(30, order)).toEqual(['a'])
    expect(foldAway(90, order)).toEqual(['a', 'b'])
    expect(foldAway(130, order)).toEqual(['a', 'c'])
    expect(foldAway(900, order)).toEqual(['a', 'b', 'c'])
  })
  it('what is called as the row itself is named by its number', () => {
    expect(refText(field('matter_id', { ref: 'matter' }), { matter_id: 12, matter_id_label: 'T' }, 'T')).toBe('#12')
    expect(refText(field('matter_id', { ref: 'matter' }), { matter_id: 12, matter_id_label: 'U' }, 'T')).toBe('U')
  })
})
