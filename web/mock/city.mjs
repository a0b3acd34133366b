// The people, stations, polluters and matters of the invented city.
import { areas, dice, nameOf, scatter } from './grid.mjs'

export const PASSWORD = 'Lanfan-demo-1'
const P = (id, login, name, role, role_zh, role_en, grid_code) => ({ id, version: 1, login, name, role, role_zh, role_en, grid_code, password: PASSWORD, must_change: login === 'fresh' })
export const people = [P(1, 'city', '演示市局', 'city', '市级指挥中心', 'City command centre', '3703'), P(2, 'county', '演示淄川区', 'county', '区县管理员', 'County desk', '370302'), P(3, 'town', '演示双杨镇', 'town', '乡镇管理员', 'Township desk', '370302116'),
  P(4, 'officer', '演示网格员（双杨镇）', 'officer', '网格员', 'Grid officer', '370302116'), P(5, 'admin', '演示管理员', 'admin', '系统管理员', 'Administrator', '*'), P(6, 'county2', '演示沂源县', 'county', '区县管理员', 'County desk', '370323'), P(7, 'fresh', '新账号', 'county', '区县管理员', 'County desk', '370321')]

const rnd = dice(20261124)
const pick = (list) => list[Math.floor(rnd() * list.length)]
const villages = areas.filter((a) => a.level === 'village')
export const iso = (ms) => new Date(ms + 8 * 3600e3).toISOString().slice(0, 23) + '+08:00'
const NOW = Date.now()
const H = 3600e3

function placed(v) {
  const [lon, lat] = scatter(v.poly, 1, rnd)[0]
  return { grid_code: v.code, grid_name: nameOf(v.code), lon, lat }
}
const INDUSTRIES = ['化工', '建陶', '印染', '水泥', '医药', '污水处理', '造纸', '火电']
export const source = Array.from({ length: 60 }, (_, i) => {
  const industry = INDUSTRIES[i % 8]
  return { id: i + 1, version: 1, ...placed(pick(villages)), name: `示例${industry}${String(i + 1).padStart(3, '0')}厂（虚构）`, industry, permit_class: i % 3 ? 'simple' : 'key', deposit_fen: i % 4 ? null : 5000000 + i * 12345, key_source: i % 3 === 0 }
})
export const FACTORS = {
  air: [['a34004', '细颗粒物 PM2.5', 'PM2.5', 'μg/m³', 75, 60], ['a34002', '可吸入颗粒物 PM10', 'PM10', 'μg/m³', 150, 110], ['a21026', '二氧化硫', 'Sulfur dioxide', 'μg/m³', 150, 20], ['a05024', '臭氧', 'Ozone', 'μg/m³', 200, 120]],
  flue: [['a21026', '二氧化硫', 'Sulfur dioxide', 'mg/m³', 35, 24], ['a21002', '氮氧化物', 'Nitrogen oxides', 'mg/m³', 100, 80], ['a19001', '氧含量', 'Oxygen content', '%', null, 9]],
  wastewater: [['w01018', '化学需氧量', 'Chemical oxygen demand', 'mg/L', 50, 42], ['w21003', '氨氮', 'Ammonia nitrogen', 'mg/L', 5, 2.4], ['w01001', 'pH 值', 'pH', '', null, 7.4]],
  surface: [['w01019', '高锰酸盐指数', 'Permanganate index', 'mg/L', 6, 4.8], ['w01009', '溶解氧', 'Dissolved oxygen', 'mg/L', null, 8.2]],
}
const KINDS = ['air', 'flue', 'wastewater', 'surface']
export const station = Array.from({ length: 32 }, (_, i) => {
  const kind = KINDS[i % 4]
  const s = kind === 'flue' || kind === 'wastewater' ? source[(i * 7) % 60] : null
  const at = s ? { grid_code: s.grid_code, grid_name: s.grid_name, lon: s.lon, lat: s.lat } : placed(pick(villages))
  const name = s ? s.name.replace('（虚构）', '排口（虚构）') : `示例${kind === 'air' ? '空气站' : '断面'}${i + 1}（虚构）`
  return { id: i + 1, version: 1, ...at, name, mn: '3703' + String(i + 1).padStart(20, '0'), kind, source_id: s?.id ?? null, source_id_label: s?.name ?? null, since: '2025-01-01', disabled: false, remark: null }
})
export const fate = (s) => (s.id % 9 === 4 ? 'offline' : s.id % 11 === 5 ? 'fault' : s.id % 6 === 1 ? 'exceed' : 'normal')
export function valueOf(s, f, at) {
  const [, , , , limit, usual] = f
  const wave = Math.sin(at / (5 * H) + s.id) * 0.18 + Math.sin(at / (0.7 * H) + s.id * 3) * 0.07
  const push = fate(s) === 'exceed' && limit && f === FACTORS[s.kind][0] ? (limit / usual) * 1.12 : 1
  return Math.round(usual * push * (1 + wave * (push > 1 ? 0.25 : 1)) * 1000) / 1000
}

const TITLES = { E01: '烟囱冒黑烟', E02: '田间焚烧秸秆', E03: '工地未湿法作业扬尘', E04: '砂石料堆未覆盖', E05: '雨水口排出异色水', E06: '路边倾倒建筑垃圾', E11: '夜间刺激性异味', E13: '在线监测超标' }
const STATES = ['found', 'registered', 'dispatched', 'accepted', 'handled', 'verified', 'closed', 'closed', 'rejected']
const home = villages.filter((v) => v.code.startsWith('370302116'))
export const matter = Array.from({ length: 64 }, (_, i) => {
  const category = Object.keys(TITLES)[i % 8]
  const state = i < 4 ? 'dispatched' : STATES[i % 9]
  const v = i < 8 ? home[i % home.length] : pick(villages)
  const found = NOW - (0.5 + rnd() * 60) * H
  const done = state === 'closed' || state === 'rejected'
  const due = i < 4 ? NOW + (2 + i) * H : found + (i % 3 ? 72 : 18) * H
  const left = (due - NOW) / (due - found)
  const officer = ['dispatched', 'accepted', 'handled', 'verified', 'closed'].includes(state) && v.code.startsWith('370302116')
  return { id: i + 1, version: 1, ...placed(v), no: `2026-${String(i + 1).padStart(6, '0')}`, title: `${nameOf(v.code.slice(0, 6))}${nameOf(v.code.slice(0, 9))}${TITLES[category]}`, category, origin: ['patrol', 'monitor', 'public', 'upper'][i % 4], state,
    light: done ? 'none' : left < 0 ? 'red' : left < 0.2 ? 'yellow' : 'green', due_at: done ? null : iso(due), description: '现场情况见照片，请核实处置。', address: null, source_id: i % 5 ? null : source[i % 60].id, source_id_label: i % 5 ? null : source[i % 60].name,
    station_id: null, found_at: iso(found), reporter_name: null, officer_id: officer ? 4 : null, officer_id_label: officer ? people[3].name : null, result: null, handled_at: null, closed_at: state === 'closed' ? iso(NOW - H) : null }
})
export const alarm = station.filter((s) => fate(s) === 'exceed').map((s, i) => {
  const f = FACTORS[s.kind][0]
  return { id: i + 1, version: 1, grid_code: s.grid_code, grid_name: s.grid_name, title: `${s.name} ${f[1]}超标`, station_id: s.id, station_id_label: s.name, state: 'open', value: valueOf(s, f, NOW), limit_high: f[4], began_at: iso(NOW - H) }
})
