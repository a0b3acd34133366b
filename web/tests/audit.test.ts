import { describe, expect, it } from 'vitest'
import { changesOf, filesOf, placeOf, verbsOf, type Entry } from '@/audit/types'

const entry = (more: object): Entry => ({ id: 1, at: '', actor: null, topic: 'matter', row_id: 1, verb: 'edit', from_state: null, to_state: null, grid_code: '', peer: '', note: null, ...more })

describe('entries of the audit trail', () => {
  it('tells changes in the order in which they are stored', () => {
    expect(changesOf(entry({ diff: '{"b":[1,2],"a":[null,"***"]}' }))).toEqual([{ name: 'b', was: 1, now: 2 }, { name: 'a', was: null, now: '***' }])
    expect(changesOf(entry({ diff: null }))).toEqual([])
    expect(filesOf(entry({ files: null }))).toEqual([])
  })
  it('calls what belongs to no place, or to all, the city', () => {
    expect(placeOf(entry({ grid_code: '*' }), 'all')).toBe('all')
    expect(placeOf(entry({}), 'all')).toBe('all')
    expect(placeOf(entry({ grid_code: '370302', grid_name: '淄川区' }), 'all')).toBe('淄川区')
    expect(placeOf(entry({ grid_code: '370302' }), 'all')).toBe('370302')
  })
  it('offers the verbs of one type and the common ones; a code of several types once', () => {
    const words = { topics: [], verbs: [{ code: 'edit', zh: '修改', en: 'Edited' }, { topic: 'matter', code: 'close', zh: '结案', en: 'Close' }, { topic: 'alarm', code: 'close', zh: '关闭', en: 'Close' }] }
    expect(verbsOf(words, '', (b) => b.zh)).toEqual([{ code: 'edit', text: '修改' }, { code: 'close', text: '结案 / 关闭' }])
    expect(verbsOf(words, 'alarm', (b) => b.en)).toEqual([{ code: 'edit', text: 'Edited' }, { code: 'close', text: 'Close' }])
    expect(verbsOf(words, 'pilot', (b) => b.zh)).toEqual([{ code: 'edit', text: '修改' }])
  })
})
