import { describe, expect, it } from 'vitest'
import { inBbox, listParams, parseAt, parseView, turnSort, validBbox, viewQuery, filterNames } from '@/lib/filters'
import { room } from './room'

describe('the address and the filters', () => {
  it('restores the same view from the address it made', () => {
    const view = { layer: 'station', q: '双杨', sort: '-due_at', bbox: '117.5,36,118.5,37', at: '118.05,36.8,10.5', sel: 12, f: { state: 'found,handled', grid_code: '370302' } }
    expect(parseView(viewQuery(view))).toEqual(view)
  })
  it('leaves out what has its default and orders names', () => {
    expect(viewQuery(parseView({}))).toEqual({})
    expect(Object.keys(viewQuery(parseView({ state: 'a', category: 'b' })))).toEqual(['category', 'state'])
  })
  it.each([['1,2,3'], ['a,b,c,d'], ['3,0,1,1'], ['0,0,0,0'], ['0,0,200,95'], ['']])('refuses the box %s', (s) => {
    expect(validBbox(s)).toBe(false)
    expect(parseView({ bbox: s }).bbox).toBe('')
  })
  it('takes the first of a repeated name and no selection that is no id', () => {
    expect(parseView({ q: ['a', 'b'] }).q).toBe('a')
    for (const sel of ['0', '-1', 'x', '1.5', '9007199254740993']) expect(parseView({ sel }).sel).toBeNull()
  })
  it('asks the server only for what it knows', () => {
    const p = listParams(room, parseView({ state: 'found', bogus: '1', secret: 'x', from_due_at: '2026-01-01', from_state: 'a', grid_code: '37', bbox: '1,2,3,4', sort: '-nothing' }))
    expect(p).toEqual({ state: 'found', from_due_at: '2026-01-01', grid_code: '37', bbox: '1,2,3,4' })
    expect(filterNames({ ...room, map: null }).has('bbox')).toBe(false)
  })
  it('knows a map position from nonsense', () => {
    expect(parseAt('118,36.5,9')).toEqual([118, 36.5, 9])
    for (const s of ['', '1,2', '200,1,1', '1,91,1', 'a,b,c']) expect(parseAt(s)).toBeNull()
  })
  it('puts points inside or outside', () => {
    expect(inBbox('', null, null)).toBe(true)
    expect(inBbox('1,1,2,2', 1, 2)).toBe(true)
    expect(inBbox('1,1,2,2', 2.1, 2)).toBe(false)
    expect(inBbox('1,1,2,2', null, 1)).toBe(false)
  })
  it('turns the sort round', () => {
    expect(turnSort('', 'a')).toBe('a')
    expect(turnSort('a', 'a')).toBe('-a')
    expect(turnSort('-a', 'a')).toBe('')
    expect(turnSort('b', 'a')).toBe('a')
  })
})
