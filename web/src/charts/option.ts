import type { Series, SeriesKind } from '@/api/types'
import { instant, measured, shortInstant } from '@/lib/format'
import { drawn, flagged, limitSteps, scaleOf } from '@/series/lines'

/** One line of the chart: what the server told, and how it is called here. */
export interface Line { key: string; name: string; series: Series }
export interface ChartWords { limit: string; flag: string; gap: string; alarm: string; share: string; over: string }
export interface ChartAsk {
  lines: Line[]; kind: SeriesKind; span: [number, number]; window: [number, number] | null
  share: boolean; zoom: boolean; words: ChartWords; now: number
  mark?: [number, number] | null // a stretch that the page is about
  width?: number // of the canvas: how many rows the names take
}
/* Told apart by colour and by dash; each has at least 3:1 against white. */
export const COLORS = ['#0b6f80', '#8a3fa0', '#b36b00', '#1f6fd0', '#a33b5f', '#3d7a2a', '#5b5f97', '#7a4a2b']
export const DASHES = ['solid', [7, 4], [2, 3], [10, 3, 2, 3], 'solid', [7, 4], [2, 3], [10, 3, 2, 3]] as const
export const RED = '#b9251d'
const AMBER = '#945800'
const LANE = 8
/** The lanes begin here below the names; the name of the axis stands between them and the plot. */
const LANES_TOP = 4
const AXIS = { color: '#3c5a66' }

export const unitsOf = (lines: Line[], share: boolean): string[] => (share ? ['%'] : [...new Set(lines.map((l) => l.series.unit ?? ''))])

export function chartOption(a: ChartAsk): Record<string, unknown> {
  const units = unitsOf(a.lines, a.share)
  return {
    animation: false, color: COLORS,
    grid: { left: 56, right: units.length > 1 ? 56 * (units.length - 1) : 22, top: plotTop(a), bottom: a.zoom ? 64 : 28 },
    tooltip: { trigger: 'axis', confine: true, transitionDuration: 0, axisPointer: { type: 'line', lineStyle: { color: '#56727d' } }, formatter: (hit: unknown) => tip(a, hit) },
    xAxis: xAxis(a), yAxis: units.map((u, i) => yAxis(a, u, i)), series: a.lines.flatMap((l, i) => drawings(a, l, i, units)), dataZoom: zooms(a), graphic: laneKeys(a), legend: legend(a),
  }
}
/** What changes when values come, without touching a zoom that is going on. */
export function chartData(a: ChartAsk): Record<string, unknown> {
  const { xAxis: x, yAxis: y, series } = chartOption(a)
  return { xAxis: x, yAxis: y, series }
}
/* Which line is which, also in a picture that is saved: names above the plot, as many rows as they need. */
const NAMES = { row: 20, icon: 24, left: 8, gap: 14, font: 12 }
const nameWidth = (s: string): number => NAMES.icon + 5 + NAMES.gap + [...s].reduce((w, c) => w + (c > '\u2e7f' ? NAMES.font : NAMES.font * 0.6), 0)
export function namesHeight(lines: Line[], width: number): number {
  if (lines.length < 2) return 0
  let rows = 1, x = NAMES.left
  for (const l of lines) {
    const w = nameWidth(l.name)
    if (x > NAMES.left && x + w > width - NAMES.left) (rows++, (x = NAMES.left))
    x += w
  }
  return rows * NAMES.row + 6
}
const legend = (a: ChartAsk): Record<string, unknown> =>
  ({ show: a.lines.length > 1, top: 0, left: NAMES.left, right: NAMES.left, padding: 0, itemGap: NAMES.gap, itemWidth: NAMES.icon, itemHeight: 8, data: a.lines.map((l) => l.name), textStyle: { ...AXIS, fontSize: NAMES.font, lineHeight: NAMES.row - 4 } })
/* Several lines share the height: each has a lane of its own above the plot for what is missing and what alarmed. */
const lanes = (a: ChartAsk): number => (haveLanes(a.lines) ? a.lines.length : 0)
export const haveLanes = (lines: Line[]): boolean => lines.length > 1 && lines.some((l) => l.series.gaps.length || l.series.alarms.length)
const lanesTop = (a: ChartAsk): number => LANES_TOP + namesHeight(a.lines, a.width ?? 800)
const plotTop = (a: ChartAsk): number => 32 + (lanes(a) ? lanesTop(a) + lanes(a) * LANE : namesHeight(a.lines, a.width ?? 800))
/** Whose lane it is: a stroke in the colour of the line, left of it. */
function laneKeys(a: ChartAsk): Record<string, unknown>[] {
  return a.lines.slice(0, lanes(a)).map((_, i) => ({ type: 'rect', silent: true, left: 34, top: lanesTop(a) + i * LANE + 1, shape: { width: 16, height: LANE - 4 }, style: { fill: COLORS[i % COLORS.length] } }))
}

function xAxis(a: ChartAsk): Record<string, unknown> {
  const wide = (a.window ?? a.span)[1] - (a.window ?? a.span)[0]
  return { type: 'time', min: a.span[0], max: a.span[1], axisLabel: { ...AXIS, hideOverlap: true, formatter: (ms: number) => axisTime(ms, wide, a.kind) }, axisLine: { lineStyle: { color: '#8aa3ab' } }, splitLine: { show: false } }
}
export function axisTime(ms: number, wide: number, kind: SeriesKind): string {
  const s = instant(ms, true)
  if (wide < 900_000) return s.slice(11)
  return s.endsWith('00:00:00') || kind.startsWith('day') || wide > 90 * 86_400_000 ? s.slice(wide > 300 * 86_400_000 ? 0 : 5, 10) : wide > 3 * 86_400_000 ? s.slice(5, 16) : s.slice(11, 16)
}
function yAxis(a: ChartAsk, unit: string, i: number): Record<string, unknown> {
  const mine = a.lines.filter((l) => a.share || (l.series.unit ?? '') === unit)
  const tops = mine.flatMap((l) => l.series.limits.map((x) => (x.high ?? 0) * scaleOf(l.series, a.share)))
  return {
    type: 'value', scale: true, name: a.share ? a.words.share : unit || ' ', position: i ? 'right' : 'left', offset: i > 1 ? 56 * (i - 1) : 0, nameTextStyle: { ...AXIS, align: i ? 'right' : 'left', padding: i ? [0, -20, 0, 0] : [0, 0, 0, -30] },
    axisLabel: { ...AXIS, formatter: (v: number) => measured(v) }, splitLine: { show: i === 0, lineStyle: { color: '#e4eef0' } },
    min: (v: { min: number }) => (v.min >= 0 ? 0 : null), max: (v: { max: number }) => nice(Math.max(v.max, ...tops, 0) * 1.06),
  }
}
/** Rounded up to two figures, so that the axis ends above the highest value. */
export function nice(v: number): number | null {
  if (!Number.isFinite(v) || v <= 0) return null
  const unit = 10 ** (Math.floor(Math.log10(v)) - 1)
  return Number((Math.ceil(v / unit) * unit).toPrecision(2))
}
function zooms(a: ChartAsk): Record<string, unknown>[] {
  if (!a.zoom) return []
  const at = a.window ? { startValue: a.window[0], endValue: a.window[1] } : { start: 0, end: 100 }
  return [{ type: 'inside', ...at, filterMode: 'none', zoomOnMouseWheel: 'ctrl', moveOnMouseMove: true, moveOnMouseWheel: false },
    { type: 'slider', ...at, filterMode: 'none', height: 24, bottom: 8, showDataShadow: true, borderColor: '#b4cad0', fillerColor: 'rgba(11,111,128,.14)', handleStyle: { color: '#0b6f80' }, moveHandleStyle: { color: '#7fb5be' },
      dataBackground: { lineStyle: { color: '#7fb5be' }, areaStyle: { color: '#cde3e6' } }, selectedDataBackground: { lineStyle: { color: '#0b6f80' }, areaStyle: { color: '#b4d4d9' } }, labelFormatter: (ms: number) => shortInstant(ms) }]
}
function drawings(a: ChartAsk, l: Line, i: number, units: string[]): Record<string, unknown>[] {
  const scale = scaleOf(l.series, a.share)
  const at = { yAxisIndex: a.share ? 0 : units.indexOf(l.series.unit ?? ''), name: l.name }
  const color = COLORS[i % COLORS.length]!
  const marks = flagged(l.series, scale)
  const steps = (['high', 'low'] as const).flatMap((side) => {
    const data = limitSteps(l.series, side, scale)
    return data.length ? [{ ...at, id: `${l.key} ${side}`, type: 'line', data, showSymbol: false, silent: true, z: 3, itemStyle: { color: RED },
      lineStyle: { color: a.lines.length > 1 ? color : RED, width: 1.3, type: [6, 4], opacity: 0.9 },
      markPoint: { symbol: 'rect', symbolSize: 0.1, silent: true, data: [{ coord: [(a.window ?? a.span)[1], limitNow(l.series, side) * scale], label: { show: !toldBefore(a, i, side), formatter: a.share ? a.words.limit : `${a.words.limit} ${measured(limitNow(l.series, side))}`, position: [-4, -18], align: 'right', color: RED, fontSize: 11.5, backgroundColor: 'rgba(255,255,255,.82)', padding: [1, 3] } }] } }] : []
  })
  return [
    { ...at, id: l.key, type: 'line', data: [[a.span[0], null], ...drawn(l.series, scale), [a.span[1], null]], showSymbol: l.series.points.length < 40, symbolSize: 5, connectNulls: false, color, itemStyle: { color }, lineStyle: { width: 1.7, type: DASHES[i % DASHES.length], color }, markArea: bands(a, l, i) },
    ...steps,
    ...(marks.length ? [{ ...at, id: `${l.key} flags`, type: 'scatter', data: marks.map((m) => [m.at, m.value, m.flag]), symbol: 'triangle', symbolSize: 9, itemStyle: { color: AMBER, borderColor: '#fff', borderWidth: 1 }, z: 5,
      label: { show: marks.length < 30, formatter: (p: { data: unknown[] }) => String(p.data[2]), position: 'top', color: AMBER, fontWeight: 'bold', fontSize: 11.5 } }] : []),
  ]
}
/** The same limit at the same height is told by the first line that has it. */
function toldBefore(a: ChartAsk, i: number, side: 'high' | 'low'): boolean {
  const mine = a.lines[i]!.series
  const at = (s: Series): number => limitNow(s, side) * scaleOf(s, a.share)
  return a.lines.slice(0, i).some((l) => l.series.limits.some((x) => x[side] !== null) && (a.share || l.series.unit === mine.unit) && at(l.series) === at(mine))
}
const limitNow = (s: Series, side: 'high' | 'low'): number => s.limits.filter((l) => l[side] !== null).at(-1)![side]!
/** Missing time grey, alarms red: over the whole height for one line, in its lane for several. */
function bands(a: ChartAsk, l: Line, i: number): Record<string, unknown> {
  const y = lanes(a) ? [{ y: lanesTop(a) + i * LANE }, { y: lanesTop(a) + i * LANE + LANE - 2 }] : [{}, {}]
  const band = (from: number, to: number, color: string): unknown => [{ xAxis: Math.max(from, a.span[0]), ...y[0], itemStyle: { color } }, { xAxis: Math.min(to, a.span[1]), ...y[1] }]
  const strong = lanes(a) > 0
  return { silent: true, data: [
    ...l.series.gaps.map(([f, t]) => band(f, t, strong ? '#c8d5d9' : 'rgba(120,144,153,.16)')),
    ...(a.mark && i === 0 ? [[{ xAxis: a.mark[0], itemStyle: { color: 'rgba(11,111,128,.12)', borderColor: '#0b6f80', borderWidth: 1.5 } }, { xAxis: a.mark[1] }]] : []),
    ...l.series.alarms.map((x) => band(x.from, x.to ?? Math.min(a.now, a.span[1]), strong ? '#e39a94' : 'rgba(185,37,29,.10)')),
  ] }
}
/** The nearest point of a line within two of its steps, or of the thinned distance. */
export function nearest(s: Series, at: number, reach: number): Series['points'][number] | null {
  let lo = 0
  let hi = s.points.length
  while (lo < hi) {
    const mid = (lo + hi) >> 1
    if (s.points[mid]![0] < at) lo = mid + 1
    else hi = mid
  }
  const [a, b] = [s.points[lo - 1], s.points[lo]]
  const best = !a ? b : !b ? a : at - a[0] <= b[0] - at ? a : b
  return best && Math.abs(best[0] - at) <= reach ? best : null
}
const escape = (s: string): string => s.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
function tip(a: ChartAsk, hit: unknown): string {
  const first = (Array.isArray(hit) ? hit[0] : hit) as { axisValue?: number } | undefined
  if (first?.axisValue === undefined) return ''
  const at = Number(first.axisValue)
  const span = a.window ?? a.span
  const rows = a.lines.map((l, i) => {
    const p = nearest(l.series, at, Math.max(2 * (l.series.step_ms ?? 60_000), (span[1] - span[0]) / 100))
    const lim = l.series.limits.find((x) => p && p[0] >= x.from && p[0] < x.to)
    const over = p && p[1] !== null && lim && ((lim.high !== null && p[1] > lim.high) || (lim.low !== null && p[1] < lim.low))
    return `<tr><td><i style="background:${COLORS[i % COLORS.length]}"></i>${escape(l.name)}</td><td class="right"><b${over ? ' class="over"' : ''}>${p && p[1] !== null ? `${measured(p[1])}</b> ${escape(l.series.unit ?? '')}` : `${escape(a.words.gap)}</b>`}</td><td>${over ? '▲ ' + escape(a.words.over) : ''}${p?.[2] && !/^n?$/i.test(p[2]) ? ` ${escape(a.words.flag)} ${escape(p[2])}` : ''}</td></tr>`
  })
  return `<div class="chart-tip"><p>${instant(at, a.kind === 'rtd')}</p><table>${rows.join('')}</table></div>`
}
