import { describe, expect, it } from 'vitest'
import { count, fill, fromPicker, instant, isoShanghai, measured, minutes, relative, size, toFen, toPicker, yuan } from '@/lib/format'
import { csvOf } from '@/lib/csv'

describe('times', () => {
  it('shows the wall clock of Zibo whatever the offset says', () => {
    expect(instant('2026-11-24T19:03:00.000+08:00')).toBe('2026-11-24 19:03')
    expect(instant('2026-11-24T23:30:05Z', true)).toBe('2026-11-25 07:30:05')
    expect(instant(null)).toBe('—')
    expect(instant('no time')).toBe('—')
  })
  it('goes to the picker and back without losing the hour', () => {
    expect(toPicker('2026-01-01T00:00:00.000+08:00')).toBe('2026-01-01T00:00:00')
    expect(fromPicker('2026-01-01T00:00:00')).toBe('2026-01-01T00:00:00.000+08:00')
    expect(fromPicker('2026-01-01T08:30')).toBe('2026-01-01T08:30:00.000+08:00')
    expect(fromPicker('')).toBeNull()
    expect(isoShanghai(Date.parse('2025-12-31T16:00:00Z'))).toBe('2026-01-01T00:00:00.000+08:00')
  })
  it('says how long ago and how long still', () => {
    const now = Date.parse('2026-11-24T12:00:00+08:00')
    expect(relative('2026-11-24T11:55:00+08:00', now, 'zh')).toBe('5 分钟前')
    expect(relative('2026-11-24T14:30:00+08:00', now, 'en')).toBe('in 2 h')
    expect(relative('2026-11-24T12:00:20+08:00', now, 'zh')).toBe('刚刚')
    expect(relative('2026-11-20T12:00:00+08:00', now, 'zh')).toBe('4 天前')
  })
  it('writes minutes as hours and minutes', () => {
    expect(minutes(240, 'zh')).toBe('4 小时')
    expect(minutes(61, 'en')).toBe('1 h 1 min')
    expect(minutes(-5, 'en')).toBe('-5 min')
    expect(minutes(null, 'zh')).toBe('—')
  })
})
describe('money', () => {
  it.each([['0.1', 10], ['1,234.5', 123450], ['-0.01', -1], ['1.10', 110], ['9999999999999.99', 999999999999999], ['0', 0], ['-0', 0], ['12.3400', 1234]])('reads %s yuan as %i fen', (s, fen) => expect(toFen(s)).toBe(fen))
  it.each(['', 'a', '1.234', '1e5', '.5', '12345678901234', '1.2.3'])('refuses %s', (s) => expect(toFen(s)).toBeNull())
  it('writes fen as yuan', () => {
    expect(yuan(123456789)).toBe('1,234,567.89')
    expect(yuan(-5)).toBe('-0.05')
    expect(yuan(0)).toBe('0.00')
    expect(yuan(null)).toBe('—')
  })
})
describe('numbers and files', () => {
  it('shows measured values with what they carry', () => {
    expect(measured(50.197)).toBe('50.2')
    expect(measured(0.00123456)).toBe('0.001235')
    expect(measured(12345.67)).toBe('12345.7')
    expect(measured(null)).toBe('—')
    expect(measured(NaN)).toBe('—')
  })
  it('groups counts and sizes', () => {
    expect(count(1234567)).toBe('1,234,567')
    expect(size(500)).toBe('500 B')
    expect(size(2_500_000)).toBe('2.4 MB')
  })
  it('writes CSV that no spreadsheet runs as a formula', () => {
    expect(csvOf([['a', 'b"c', 'd,e'], ['=1+1', '-5', '@x']])).toBe('\ufeffa,"b""c","d,e"\r\n\'=1+1,-5,\'@x\r\n')
  })
})

describe('what is put into a text', () => {
  it('keeps a space where Chinese meets Latin', () => {
    expect(fill('新建{room}', { room: 'MQTT 接入' })).toBe('新建 MQTT 接入')
    expect(fill('还没有{room}，可新建', { room: '数据 API' })).toBe('还没有数据 API，可新建')
    expect(fill('{room}列表', { room: 'MQTT' })).toBe('MQTT 列表')
  })
  it('counts', () => {
    expect([0, 1, 2].map((n) => fill('{n} {n:row|rows} stored', { n }))).toEqual(['0 rows stored', '1 row stored', '2 rows stored'])
  })
  it('changes nothing else', () => {
    expect(fill('新建{room}', { room: '事项' })).toBe('新建事项')
    expect(fill('共 {n} 条', { n: 3 })).toBe('共 3 条')
    expect(fill('New {room} of {other}', { room: 'matter' })).toBe('New matter of {other}')
  })
})
