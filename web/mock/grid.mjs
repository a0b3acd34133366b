// An invented grid: eight counties, their townships and villages as Voronoi cells. No boundary here is real.
const OUTLINE = [[117.6, 37.2], [117.95, 37.28], [118.2, 37.05], [118.5, 36.85], [118.3, 36.55], [118.5, 36.25], [118.3, 35.98], [117.95, 36.08], [117.75, 36.4], [117.8, 36.65], [117.74, 36.9]]
const COUNTIES = [['370302', '淄川区', 117.97, 36.6], ['370303', '张店区', 118.05, 36.8], ['370304', '博山区', 117.87, 36.48], ['370305', '临淄区', 118.31, 36.83],
  ['370306', '周村区', 117.85, 36.8], ['370321', '桓台县', 118.1, 36.96], ['370322', '高青县', 117.82, 37.16], ['370323', '沂源县', 118.17, 36.18]]
const TOWN_NAMES = ['双杨镇', '东坪镇', '西河镇', '南岭镇', '北山街道', '中心街道']

// A small fixed generator, so that every run shows the same city.
export function dice(seed) {
  let s = seed >>> 0
  return () => {
    s = (s * 1664525 + 1013904223) >>> 0
    return s / 2 ** 32
  }
}
function clip(poly, a, b) {
  const [mx, my] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
  const side = (p) => (p[0] - mx) * (b[0] - a[0]) + (p[1] - my) * (b[1] - a[1])
  return poly.flatMap((p, i) => {
    const q = poly[(i + 1) % poly.length]
    const [s, t] = [side(p), side(q)]
    const k = s / (s - t)
    const cut = s < 0 !== t < 0 ? [[p[0] + k * (q[0] - p[0]), p[1] + k * (q[1] - p[1])]] : []
    return s <= 0 ? [p, ...cut] : cut
  })
}
const cell = (poly, sites, i) => sites.reduce((rest, s, j) => (j === i ? rest : clip(rest, sites[i], s)), poly)
const round = (poly) => poly.map((p) => p.map((x) => Math.round(x * 1e5) / 1e5))
function inside(poly, [x, y]) {
  let yes = false
  for (let i = 0, j = poly.length - 1; i < poly.length; j = i++)
    if (poly[i][1] > y !== poly[j][1] > y && x < ((poly[j][0] - poly[i][0]) * (y - poly[i][1])) / (poly[j][1] - poly[i][1]) + poly[i][0]) yes = !yes
  return yes
}
export function scatter(poly, n, rnd) {
  const xs = poly.map((p) => p[0])
  const ys = poly.map((p) => p[1])
  const out = []
  while (out.length < n) {
    const p = [Math.min(...xs) + rnd() * (Math.max(...xs) - Math.min(...xs)), Math.min(...ys) + rnd() * (Math.max(...ys) - Math.min(...ys))]
    if (inside(poly, p)) out.push(p.map((x) => Math.round(x * 1e5) / 1e5))
  }
  return out
}

export const areas = []
function add(code, name, level, parent, poly) {
  areas.push({ code, name, level, parent, poly: round(poly) })
}
add('3703', '淄博市', 'city', '37', OUTLINE)
const sites = COUNTIES.map((c) => [c[2], c[3]])
COUNTIES.forEach(([code, name], i) => {
  const poly = cell(OUTLINE, sites, i)
  add(code, name, 'county', '3703', poly)
  const towns = scatter(poly, 6, dice(Number(code)))
  towns.forEach((_, t) => {
    const townCode = code + (t ? String(100 + t) : '116')
    const townPoly = cell(poly, towns, t)
    add(townCode, TOWN_NAMES[t], 'town', code, townPoly)
    const villages = scatter(townPoly, 5, dice(Number(townCode)))
    villages.forEach((_, v) => add(townCode + String(201 + v), `示例${'一二三四五'[v]}村`, 'village', townCode, cell(townPoly, villages, v)))
  })
})
const byCode = new Map(areas.map((a) => [a.code, a]))
export const nameOf = (code) => byCode.get(code)?.name ?? (code === '*' ? '全部' : null)
export function locate(lon, lat) {
  const chain = ['city', 'county', 'town', 'village'].flatMap((level) => areas.filter((a) => a.level === level && inside(a.poly, [lon, lat])).slice(0, 1))
  return chain.filter((a, i) => i === 0 || a.code.startsWith(chain[i - 1].code))
}
export function features(level, parent, scope) {
  const seen = areas.filter((a) => a.level === level && (!parent || a.parent === parent) && (a.code.startsWith(scope) || scope.startsWith(a.code)))
  return { type: 'FeatureCollection', features: seen.map((a) => ({ type: 'Feature', geometry: { type: 'Polygon', coordinates: [[...a.poly, a.poly[0]]] }, properties: { code: a.code, name: a.name, level: a.level, parent: a.parent, generated: true } })) }
}
export function children(parent, scope) {
  const list = parent ? areas.filter((a) => a.parent === parent) : [byCode.get(scope === '*' ? '3703' : scope)].filter(Boolean)
  return list.filter((a) => scope === '*' || a.code.startsWith(scope) || scope.startsWith(a.code)).map((a) => ({ code: a.code, name: a.name, level: a.level, children: a.level !== 'village' }))
}
