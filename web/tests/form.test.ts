import { describe, expect, it } from 'vitest'
import { bodyOf, clashes, counts, draftOf, faultOf, faults, formFields, pointPair, setFields } from '@/lib/form'
import { field, room } from './room'

const names = (list: { name: string }[]) => list.map((f) => f.name)

describe('forms from the metadata', () => {
  it('asks at creation what only creation may give, and never what rules set', () => {
    expect(names(formFields(room, 'create'))).toEqual(['title', 'due_at', 'fine', 'lon', 'lat', 'mn', 'secret'])
    expect(names(formFields(room, 'edit'))).not.toContain('mn')
    expect(names(pointPair(formFields(room, 'create'))!)).toEqual(['lon', 'lat'])
    expect(pointPair([field('lon', 'real')])).toBeNull()
  })
  it('reads "name!" as must come', () => {
    const set = setFields(room, ['due_at!', 'title', 'unknown'])
    expect(set.map((f) => [f.name, f.required])).toEqual([['due_at', true], ['title', false]])
  })
  it('finds what is wrong before sending', () => {
    expect(faultOf(field('a', 'text', { required: true }), '  ')).toBe('required')
    expect(faultOf(field('a', 'int'), '1.5')).toBe('whole')
    expect(faultOf(field('a', 'real'), 'x')).toBe('number')
    expect(faultOf(field('a', 'real', { min: 0, max: 14 }), '-1')).toBe('min')
    expect(faultOf(field('a', 'real', { min: 0, max: 14 }), '14.01')).toBe('max')
    expect(faultOf(field('a', 'real', { min: 0, max: 0 }), '5')).toBeNull()
    expect(faultOf(field('a', 'money'), '1.234')).toBe('money')
    expect(faultOf(field('a', 'bool', { required: true }), false)).toBeNull()
    expect(Object.keys(faults(formFields(room, 'create'), {}))).toEqual(['title', 'lon', 'lat'])
  })
  it('sends types the interface takes, and at an edit only what changed', () => {
    const fields = formFields(room, 'create')
    const d = { ...draftOf(fields), title: 'x', fine: '12.5', lon: '118.1', due_at: '2026-01-01T08:00:00' }
    expect(bodyOf(fields, d)).toEqual({ title: 'x', fine: 1250, lon: 118.1, due_at: '2026-01-01T08:00:00.000+08:00' })
    const was = { id: 1, version: 3, title: 'x', fine: 1250, lon: 118.1, lat: 36, due_at: '2026-01-01T00:00:00Z', secret: null }
    const same = draftOf(formFields(room, 'edit'), was)
    expect(bodyOf(formFields(room, 'edit'), same, was)).toEqual({})
    expect(bodyOf(formFields(room, 'edit'), { ...same, fine: '' }, was)).toEqual({ fine: null })
  })
  it('tells a real conflict from a change elsewhere', () => {
    const fields = formFields(room, 'edit')
    const base = { id: 1, title: 'a', fine: 1, secret: 's' }
    const theirs = { id: 1, title: 'b', fine: 2, secret: 's' }
    const c = clashes(fields, base, theirs, { title: 'mine', secret: 'mine too' })
    expect(names(c.both.map((x) => x.field))).toEqual(['title'])
    expect(names(c.theirsOnly.map((x) => x.field))).toEqual(['fine'])
    expect(clashes(fields, base, theirs, { title: 'b' }).both).toEqual([])
  })
})

describe('fields that count for one choice only', () => {
  const at = (room: string, name: string, chosen: object): boolean => counts(room, field(name, 'text'), chosen as Record<string, unknown>)
  it('asks for a broker only where one is used', () => {
    expect(at('feed', 'source_id', { via: 'http' })).toBe(false)
    expect(at('feed', 'source_id', { via: 'mqtt' })).toBe(true)
    expect(at('upstream', 'topic', { kind: 'hj212' })).toBe(false)
    expect(at('upstream', 'host', {})).toBe(true)
    expect(at('matter', 'source_id', {})).toBe(true)
  })
  it('wants every choice from a closed list to be made', () => {
    const category = field('category', 'enum', { dict: 'd' })
    expect(formFields({ ...room, fields: [category] }, 'create')[0]!.required).toBe(true)
  })
})
