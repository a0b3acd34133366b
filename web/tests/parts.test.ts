import { describe, expect, it } from 'vitest'
import type { ClockStep, TimelineItem } from '@/api/types'
import { en } from '@/i18n/en'
import { zh } from '@/i18n/zh'
import { exifOf, fit, upright, withExif } from '@/lib/exif'
import { boxOf, geometryOf, labelPoint } from '@/lib/geo'
import { lightFor, lightOf, LIGHTS, MARKS, STATION_STATES } from '@/lib/light'
import { firstFactor, newestKinds, take } from '@/lib/live'
import { beforeAfter, stepEndedBy } from '@/lib/timeline'
import { backoff } from '@/live'

describe('texts', () => {
  it('both languages have the same keys and no empty text', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort())
    for (const [k, v] of [...Object.entries(zh), ...Object.entries(en)]) expect(v.trim(), k).not.toBe('')
  })
  it('both languages use the same {names}', () => {
    const holes = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort()
    for (const k of Object.keys(zh) as (keyof typeof zh)[]) expect(holes(en[k]), k).toEqual(holes(zh[k]))
  })
  it('English has no Chinese left in it', () => {
    for (const [k, v] of Object.entries(en)) expect(/[\u4e00-\u9fff]/.test(v), k).toBe(false)
  })
})
describe('lights', () => {
  it('turn yellow beyond 80 % and red beyond 100 %', () => {
    expect([0, 80, 81, 100, 101].map((u) => lightFor(u, 100))).toEqual(['green', 'green', 'yellow', 'yellow', 'red'])
    expect(lightFor(5, null)).toBe('none')
    expect(lightOf('purple')).toBe('none')
  })
  it('differ by shape as well as by colour', () => {
    for (const set of [LIGHTS, STATION_STATES]) {
      expect(new Set(Object.values(set).map((m) => m.shape)).size).toBe(4)
      expect(new Set(Object.values(set).map((m) => m.color)).size).toBe(4)
    }
    expect(Object.keys(MARKS)).toContain('light-red')
  })
})
describe('live values', () => {
  const v = (kind: string, value: number) => ({ factor: 'f', kind, zh: '', en: '', unit: null, value, flag: 'N', at: '2026-01-01T00:00:00Z', low: null, high: 10, limit_kind: 'hour', exceed: false })
  const station = () => ({ id: 1, name: '', kind: 'air', lon: 1, lat: 1, grid_code: null, state: 'normal' as const, last_at: '2026-01-01T00:00:00Z', values: [v('rtd', 1), v('hour', 2)] })
  it('keeps one line per factor, real time first', () => {
    expect(newestKinds(station()).values.map((x) => x.kind)).toEqual(['rtd'])
    expect(newestKinds({ ...station(), values: [v('hour', 2)] }).values).toHaveLength(1)
  })
  it('is looked at where it exceeds, else where there is a limit', () => {
    const [plain, limited, over] = [{ ...v('rtd', 1), factor: 'a', limit_kind: null }, { ...v('rtd', 1), factor: 'b' }, { ...v('rtd', 1), factor: 'c', exceed: true }]
    expect([firstFactor([plain, limited, over]), firstFactor([plain, limited]), firstFactor([plain]), firstFactor([])]).toEqual(['c', 'b', 'a', ''])
  })
  it('takes a reading of its own kind only', () => {
    const s = station()
    take(s, { station_id: 1, factor: 'f', kind: 'hour', at: '2026-01-01T01:00:00Z', value: 11, flag: 'N' })
    expect(s.values.map((x) => x.value)).toEqual([1, 11])
    expect(s.state).toBe('exceed')
    take(s, { station_id: 1, factor: 'f', kind: 'hour', at: '2026-01-01T02:00:00Z', value: 3, flag: 'N' })
    expect(s.state).toBe('normal')
    expect(s.last_at).toBe('2026-01-01T02:00:00Z')
    take(s, { station_id: 1, factor: 'f', kind: 'rtd', at: '2026-01-01T03:00:00Z', value: 99, flag: 'N' }) // beside the limit of the hour
    expect(s.state).toBe('normal')
  })
})
describe('photos', () => {
  const exif = (little: boolean) => {
    const tiff = little ? [0x49, 0x49, 0x2a, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0] : [0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]
    const body = [...'Exif\0\0'].map((c) => c.charCodeAt(0)).concat(tiff)
    return [0xff, 0xe1, 0, body.length + 2, ...body]
  }
  const scan = [0xff, 0xda, 0, 2, 1, 2, 3, 0xff, 0xd9]
  it.each([true, false])('carries EXIF over and stands the picture upright (little end first: %s)', (little) => {
    const found = exifOf(new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, ...exif(little), ...scan]))!
    expect([...found]).toEqual(exif(little))
    const at = 10 + 8 + 2 + 8
    expect(upright(found).slice(at, at + 2)).toEqual(new Uint8Array(little ? [1, 0] : [0, 1]))
    const made = withExif(new Uint8Array([0xff, 0xd8, ...scan]), found)
    expect([...made]).toEqual([0xff, 0xd8, ...exif(little), ...scan])
    expect(exifOf(made)).toEqual(found)
  })
  it('is calm about pictures that lie about their length', () => {
    expect(exifOf(new Uint8Array([0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff, 1]))).toBeNull()
    expect(exifOf(new Uint8Array([1, 2, 3]))).toBeNull()
    expect(upright(new Uint8Array([0xff, 0xe1, 0, 4, 0, 0]))).toHaveLength(6)
    expect(withExif(new Uint8Array([1]), new Uint8Array([2]))).toEqual(new Uint8Array([1]))
  })
  it('fits into 2560 in proportion', () => {
    expect(fit(5120, 2560, 2560)).toEqual([2560, 1280])
    expect(fit(100, 50, 2560)).toEqual([100, 50])
    expect(fit(100000, 1, 2560)).toEqual([2560, 1])
  })
})
describe('shapes', () => {
  it('finds the box and a place for the name inside', () => {
    // A U: its centre of mass lies in the gap.
    const u: GeoJSON.Polygon = { type: 'Polygon', coordinates: [[[0, 0], [3, 0], [3, 3], [2, 3], [2, 1], [1, 1], [1, 3], [0, 3], [0, 0]]] }
    expect(boxOf(u)).toEqual([0, 0, 3, 3])
    const [x] = labelPoint(u)!
    expect(x < 1 || x > 2).toBe(true)
    expect(labelPoint({ type: 'Polygon', coordinates: [[]] })).toBeNull()
  })
  it('reads a geometry from a record', () => {
    expect(geometryOf({ lon: 1, lat: 2 })).toEqual({ type: 'Point', coordinates: [1, 2] })
    expect(geometryOf({ shape: '{"type":"Point","coordinates":[3,4]}' })).toEqual({ type: 'Point', coordinates: [3, 4] })
    expect(geometryOf({ shape: '{broken' })).toBeNull()
    expect(geometryOf({ lon: 1, lat: null })).toBeNull()
  })
})
describe('time line', () => {
  const f = (hash: string) => ({ hash, name: hash, type: 'image/jpeg', size: 1 })
  const item = (over: Partial<TimelineItem>): TimelineItem => ({ at: '2026-01-01T00:00:00Z', actor: 1, actor_name: 'a', kind: 'move', ...over })
  it('puts the used minutes to the move that ended the step', () => {
    const steps = [{ state: 'found', started_at: '', ended_at: '2026-01-01T00:00:02Z', light: 'green' }] as unknown as ClockStep[]
    expect(stepEndedBy(item({ from: 'found' }), steps)).toBe(steps[0])
    expect(stepEndedBy(item({ from: 'other' }), steps)).toBeNull()
    expect(stepEndedBy(item({ from: 'found', kind: 'comment' }), steps)).toBeNull()
  })
  it('compares the first photo with the last, of two different moments', () => {
    expect(beforeAfter([item({ files: [f('a'), f('b')] })])).toBeNull()
    expect(beforeAfter([item({ files: [f('a')] }), item({ files: [f('b')] })])).toMatchObject({ before: { hash: 'a' }, after: { hash: 'b' } })
  })
})
describe('reconnecting', () => {
  it('waits longer each time, up to a minute', () => {
    expect([0, 1, 2, 6, 50].map((n) => backoff(n, 0.5))).toEqual([1000, 2000, 4000, 60000, 60000])
    expect(backoff(0, 0)).toBeLessThan(backoff(0, 1))
  })
})
