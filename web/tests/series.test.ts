import { describe, expect, it } from 'vitest'
import type { Series } from '@/api/types'
import { axisTime, chartData, chartOption, namesHeight, nearest, nice, unitsOf } from '@/charts/option'
import { appended, drawn, flagged, limitSteps, missing, refined, scaleOf } from '@/series/lines'
import { queryOf, spanOf, toggled, viewOf, windowOf } from '@/series/view'

const MIN = 60_000
function line(change: Partial<Series> = {}): Series {
  return { station_id: 1, station: 'S', factor: 'a', zh: '甲', en: 'A', unit: 'mg/m³', step_ms: MIN, gaps: [], more_gaps: false, alarms: [], limits: [],
    stat: { n: 4, values: 3, over: 0, mean: 2, min: 1, min_at: 0, max: 3, max_at: 2 * MIN }, points: [[0, 1, 'N', null, null], [MIN, 2, 'D', null, null], [2 * MIN, 3, null, null, null], [10 * MIN, null, 'B', null, null]], ...change }
}
const limits = [{ from: 0, to: 5 * MIN, low: null, high: 50, basis: null }, { from: 5 * MIN, to: 20 * MIN, low: 6, high: 35, basis: 'x' }]

describe('the view in the address', () => {
  it('comes back as it went', () => {
    const q = { kind: 'min', with: '7,9', factor: 'a,b', range: '30d', w: '100000,900000', share: '1' }
    expect(queryOf(viewOf(3, q))).toEqual(q)
    expect(queryOf(viewOf(3, {}))).toEqual({ kind: 'hour' })
    const custom = { kind: 'hour', from: '2026-01-01T00:00:00.000+08:00', to: '2026-02-01T00:00:00.000+08:00' }
    expect(queryOf(viewOf(3, custom))).toEqual(custom)
  })
  it('takes no nonsense', () => {
    const v = viewOf(3, { kind: 'week', with: '3,x,-1,5,5', range: 'toString', w: '5,1' })
    expect(v).toMatchObject({ stations: [3, 5], kind: 'hour', range: '7d', window: null, share: false })
    expect(viewOf(1, { with: Array.from({ length: 30 }, (_, i) => i + 2).join(',') }).stations).toHaveLength(8)
  })
  it('spans end now unless they end by themselves', () => {
    expect(spanOf(viewOf(1, { range: '24h' }), 1e12)).toEqual([1e12 - 86_400_000, 1e12])
    expect(spanOf(viewOf(1, { from: '2026-01-01T00:00:00+08:00', to: '2026-01-02T00:00:00+08:00' }), 1e12)).toEqual([1767196800000, 1767283200000])
  })
  it('a window lies within the range and is smaller', () => {
    const at = (w: string, span: [number, number]) => windowOf(viewOf(1, { w }), span)
    expect(at('0,900000', [100_000, 1_000_000])).toEqual([100_000, 900_000])
    expect(at('0,1000000', [0, 1_000_000])).toBeNull()
    expect(at('2000000,3000000', [0, 1_000_000])).toBeNull()
  })
  it('toggles within a bound', () => {
    expect(toggled([1, 2], 2, 3)).toEqual([1])
    expect(toggled([1, 2, 3], 4, 3)).toEqual([2, 3, 4])
  })
})
describe('lines', () => {
  it('break where the server found a gap, even before a value that is missing', () => {
    expect(drawn(line({ gaps: [[3 * MIN, 10 * MIN]] }))).toEqual([[0, 1], [MIN, 2], [2 * MIN, 3], [3 * MIN, null], [10 * MIN, null]])
    expect(drawn(line({ gaps: [[-5 * MIN, 0]] }))[0]).toEqual([0, 1])
    expect(drawn(line({ gaps: [[12 * MIN, 20 * MIN]] }))).toHaveLength(4)
  })
  it('mark flags that are not normal', () => expect(flagged(line())).toEqual([{ at: MIN, value: 2, flag: 'D' }]))
  it('limits are steps with their dates', () => {
    expect(limitSteps(line({ limits }), 'high')).toEqual([[0, 50], [5 * MIN, 50], [5 * MIN, null], [5 * MIN, 35], [20 * MIN, 35], [20 * MIN, null]])
    expect(limitSteps(line({ limits }), 'low')).toEqual([[5 * MIN, 6], [20 * MIN, 6], [20 * MIN, null]])
  })
  it('are shares of the highest limit, or of the maximum', () => {
    expect(scaleOf(line({ limits }), true)).toBe(2)
    expect(scaleOf(line(), true)).toBeCloseTo(100 / 3)
    expect(scaleOf(line({ limits }), false)).toBe(1)
  })
  it('take finer points inside the window', () => {
    const fine = line({ points: [[MIN, 9], [1.5 * MIN, 8]] })
    expect(refined(line(), fine, [MIN, 2 * MIN]).points.map((p) => p[0])).toEqual([0, MIN, 1.5 * MIN, 2 * MIN, 10 * MIN])
    expect(refined(line(), undefined, [0, 1])).toEqual(line())
  })
  it('grow by what arrives', () => {
    const s = appended(line({ limits }), 11 * MIN, 40, 'N')
    expect(s.points.at(-1)).toEqual([11 * MIN, 40, 'N', null, null])
    expect(s.stat).toMatchObject({ n: 5, values: 4, over: 1, max: 40, max_at: 11 * MIN, min: 1 })
    expect(appended(s, 11 * MIN, 41, 'N').points).toHaveLength(5)
    expect(appended(s, 11 * MIN, 41, 'N').stat.n).toBe(5)
    expect(appended(s, MIN, 1, 'N')).toBe(s)
  })
  it('know how much is missing', () => expect(missing(line({ gaps: [[0, 5 * MIN]] }), [0, 20 * MIN], 10 * MIN)).toEqual({ ms: 5 * MIN, share: 0.5 }))
})
describe('the chart', () => {
  const two = [{ key: '1', name: 'A', series: line({ limits, gaps: [[3 * MIN, 10 * MIN]], alarms: [{ id: 1, title: '', state: 'open', from: MIN, to: null }] }) }, { key: '2', name: 'B', series: line({ unit: '%' }) }]
  const ask = { lines: two, kind: 'rtd' as const, span: [0, 20 * MIN] as [number, number], window: null, share: false, zoom: true, now: 12 * MIN, words: { limit: 'l', flag: 'f', gap: 'g', alarm: 'a', share: 's', over: 'o' } }
  it('has one axis for each unit, one for shares', () => {
    expect(unitsOf(two, false)).toEqual(['mg/m³', '%'])
    expect((chartOption(ask).yAxis as unknown[]).length).toBe(2)
    expect((chartOption({ ...ask, share: true }).yAxis as unknown[]).length).toBe(1)
    expect(Object.keys(chartData(ask))).toEqual(['xAxis', 'yAxis', 'series'])
  })
  it('names its lines, in as many rows as the width asks for, and gives the plot its room back', () => {
    const shown = (lines: typeof two): { show: boolean; data: string[] } => chartOption({ ...ask, lines }).legend as { show: boolean; data: string[] }
    expect(shown(two)).toMatchObject({ show: true, data: ['A', 'B'] })
    expect(shown(two.slice(0, 1)).show).toBe(false)
    const long = ['人民公园（国控） 臭氧', '人民公园（国控） 二氧化氮', '东风化工厂（国控） 臭氧'].map((name) => ({ ...two[0]!, name }))
    expect([namesHeight(two.slice(0, 1), 300), namesHeight(long, 900), namesHeight(long, 330)]).toEqual([0, 26, 66])
    const top = (width: number): number => (chartOption({ ...ask, lines: long, width }).grid as { top: number }).top
    expect(top(330) - top(900)).toBe(40)
  })
  it('has lanes only for what is missing or alarmed', () => {
    const quiet = two.map((l) => ({ ...l, series: line() }))
    const keys = (lines: typeof two): number => (chartOption({ ...ask, lines }).graphic as unknown[]).length
    expect([keys(two), keys(quiet)]).toEqual([2, 0])
    expect((chartOption({ ...ask, lines: quiet }).grid as { top: number }).top).toBe(32 + namesHeight(quiet, 800))
  })
  it('tells the same limit once', () => {
    const same = [two[0]!, { ...two[0]!, key: '3', name: 'C' }]
    const told = (share: boolean, lines: typeof two): boolean[] => (chartOption({ ...ask, share, lines }).series as { markPoint?: { data: { label: { show: boolean } }[] } }[]).flatMap((s) => s.markPoint?.data.map((d) => d.label.show) ?? [])
    expect(told(false, same)).toEqual([true, true, false, false])
    expect(told(true, same)).toEqual([true, true, false, false])
    expect(told(false, two.slice(0, 1))).toEqual([true, true])
  })
  it('ends an open alarm now and draws missing time', () => {
    const areas = (chartOption(ask).series as { id: string; markArea: { data: { xAxis: number }[][] } }[]).find((s) => s.id === '1')!.markArea.data
    expect(areas.map((d) => [d[0]!.xAxis, d[1]!.xAxis])).toEqual([[3 * MIN, 10 * MIN], [MIN, 12 * MIN]])
  })
  it('finds the nearest point within reach', () => {
    expect(nearest(line(), 1.4 * MIN, MIN)![0]).toBe(MIN)
    expect(nearest(line(), 6 * MIN, MIN)).toBeNull()
    expect(nearest(line({ points: [] }), 0, MIN)).toBeNull()
  })
  it('ends the axis above the highest value', () => expect([nice(0), nice(198.4), nice(0.0131), nice(1000)]).toEqual([null, 200, 0.014, 1000]))
  it('writes times no finer than needed', () => {
    const ms = Date.parse('2026-03-04T05:06:07+08:00')
    expect([60_000, 3_600_000, 5 * 86_400_000, 400 * 86_400_000].map((w) => axisTime(ms, w, 'min'))).toEqual(['05:06:07', '05:06', '03-04 05:06', '2026-03-04'])
  })
})
