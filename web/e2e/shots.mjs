// Pictures of every page, both widths, both languages, to e2e/shots/: node e2e/shots.mjs [pattern of names]
// LANFAN_URL as for the tests; SIZE=desk or phone and SHOT_LANG=zh or en make fewer.
import { logIn, mapReady, openBrowser, SHOTS, SIZES, visitor } from './browser.mjs'

const base = (process.env.LANFAN_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '')
const only = process.argv[2] && new RegExp(process.argv[2])
const hello = await (await fetch(base + '/api/v1/hello')).json()
const city = hello.logins.find((l) => l.login === 'city') ?? hello.logins[0]
const browser = await openBrowser()

/** Runs in the page: what the pages are shown with. Rooms that the demonstration leaves empty get a record. */
async function subjects() {
  const csrf = (await (await fetch('/api/v1/me')).json()).csrf
  const get = async (path) => (await fetch('/api/v1/' + path)).json()
  const first = async (room, query = '') => (await get(`${room}?limit=1${query}`)).items[0]?.id
  const made = async (room, body) => (await first(room)) ?? (await (await fetch('/api/v1/' + room, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }, body: JSON.stringify(body) })).json()).id
  const live = (await get('station/live')).items
  const station = live.find((s) => s.state === 'exceed' && s.values.length) ?? live.find((s) => s.values.length) ?? live[0]
  const at = (hours) => new Date(Date.now() + hours * 3600e3).toISOString()
  const factor = station.values[0]?.factor, away = live.find((s) => s.kind === 'dust' || s.kind === 'surface') ?? live.at(-1)
  const broker = await made('mqtt_source', { name: '示例微站平台', grid_code: '3703', host: '127.0.0.1', port: 1, topic: 'micro/+/data', enabled: false })
  const upstream = await made('upstream', { name: '示例省平台', grid_code: '3703', kind: 'hj212', host: '127.0.0.1', port: 9, enabled: false, fwd_hour: true })
  return {
    station: station.id,
    other: live.find((s) => s.id !== station.id && s.kind === station.kind && s.values.length)?.id,
    factors: [...new Set(station.values.map((v) => v.factor))].slice(0, 2).join(','),
    matter: (await first('matter', '&state=closed')) ?? (await first('matter')),
    todo: (await first('matter', '&state=registered,found')) ?? (await first('matter')),
    ids: {
      alarm: await first('alarm'), alarm_rule: await first('alarm_rule'), area: await first('area', '&level=town'), source: await first('source'), station: station.id, limit_value: await first('limit_value'),
      silence: await made('silence', { station_id: station.id, from_at: at(1), to_at: at(5), reason: '示例：更换采样泵' }),
      review: await made('review', { station_id: station.id, factor, kind: 'rtd', from_at: at(-0.2), to_at: at(-0.1), action: 'mark', new_flag: 'M', reason: '示例：维护期间的数据' }),
      upstream, mqtt_source: broker,
      upstream_station: await made('upstream_station', { upstream_id: upstream, station_id: station.id, mn: '37030000000000000000A001' }),
      feed: await made('feed', { station_id: station.id, via: 'http', enabled: true }),
      power_pair: await made('power_pair', { name: '示例一号窑用电', production_station_id: station.id, production_factor: 'e01001', production_on: 50, treatment_station_id: away.id, treatment_factor: 'e02001', treatment_on: 5, minutes: 10, enabled: true }),
      pilot: await made('pilot', { grid_code: '370302', name: '示例：扬尘工地视频巡查', theme: '以视频代替一半的人工巡查，半年后比较。' }),
    },
  }
}
const press = (page, name) => page.getByRole('button', { name }).first().click()

function pictures(v, s) {
  const { page } = v
  const open = (path, wait = 900) => async () => { await v.go(path); await page.waitForLoadState('networkidle', { timeout: 4000 }).catch(() => {}); await page.waitForTimeout(wait) }
  const map = (path) => async () => { await v.go(path); await mapReady(page); await page.waitForTimeout(1500) }
  const then = (before, act) => async () => { await before(); await act(); await page.waitForTimeout(700) }
  return [
    ['home-matter', map('/')], ['home-peek', map(`/?sel=${s.matter}`)], ['home-station', map(`/?layer=station&sel=${s.station}`)],
    ['home-zoom', map('/?layer=station&at=118.0500,36.8000,10.60')], ['home-village', map('/?layer=source&at=118.0500,36.8000,12.60')],
    ['bench', open('/bench')], ['bench-overdue', open('/bench?tab=overdue')], ['bench-done', open('/bench?tab=done')],
    ['rooms', open('/r')],
    ...v.rooms.map((r) => [`list-${r}`, open(`/r/${r}`)]),
    ...Object.entries(s.ids).filter(([, id]) => id).map(([r, id]) => [`one-${r}`, open(`/r/${r}/${id}`), true]),
    ['one-matter', open(`/r/matter/${s.matter}`, 2500), true],
    ['create-matter', open('/r/matter?new=1', 2500)], ...v.makes.filter((r) => r !== 'matter').map((r) => [`create-${r}`, open(`/r/${r}?new=1`)]),
    ['import', then(open('/r/source'), () => press(page, /导入|Import/))],
    ['move', then(open(`/r/matter/${s.todo}`), () => page.locator('.verbs .btn').first().click())],
    ['series', open(`/station/${s.station}?kind=rtd&range=1h&factor=${s.factors}${s.other ? `&with=${s.other}` : ''}`, 2000), true],
    ['series-empty', open(`/station/${s.station}?kind=day&range=30d`)],
    ['packets', then(open(`/station/${s.station}/packets`), () => page.locator('[data-packet]').first().click()), true],
    ['packets-refused', then(open('/packets'), () => page.locator('[data-packet]').first().click().catch(() => {}))], ['packets-quarantine', then(open('/packets?tab=quarantine'), () => page.locator('[data-packet]').first().click().catch(() => {}))],
    ['packets-decode', then(open('/packets?tab=decode'), async () => { await page.fill('#paste', '##0077QN=20170516010101001;ST=22;CN=2011;PW=123456;MN=ABCDEFG1234567;Flag=3;CP=&&&&30A5'); await page.click('[data-testid=decode]') })],
    ['command-form', then(open(`/station/${s.station}`), () => page.click('[data-testid=command]'))],
    ['grid-five', open('/grid?code=370302116')], ['grid-gaps', open('/grid?tab=gaps')], ['grid-assess', open('/grid?tab=assess')],
    ['me', open('/me')], ['lost', open('/nothing/here', 300)], ['no-record', open('/r/matter/99999999', 300)],
  ]
}
for (const lang of ['zh', 'en'].filter((l) => (process.env.SHOT_LANG ?? l) === l))
  for (const size of Object.keys(SIZES).filter((x) => (process.env.SIZE ?? x) === x)) {
    const v = await visitor(browser, base, { size, lang })
    const shot = async (name, act, full = false) => {
      if (only && !only.test(name)) return
      try {
        await act()
        const wide = await v.page.evaluate(() => document.documentElement.scrollWidth)
        await v.page.screenshot({ path: `${SHOTS}${name}-${size}-${lang}.png`, fullPage: full })
        console.log('shot', name, size, lang, wide > SIZES[size].width ? `SIDEWAYS ${wide}` : '')
      } catch (e) {
        console.log('FAILED', name, size, lang, String(e).split('\n')[0])
      }
    }
    await shot('login', () => v.go('/login').then(() => v.page.waitForTimeout(500)))
    await logIn(v, city.login, city.password)
    await v.go('/me')
    v.rooms = await v.page.evaluate(async () => (await (await fetch('/api/v1/meta')).json()).rooms.filter((r) => r.perm_read !== false).map((r) => r.name))
    v.makes = await v.page.evaluate(async () => (await (await fetch('/api/v1/meta')).json()).rooms.filter((r) => r.perm_create).map((r) => r.name))
    for (const [name, act, full] of pictures(v, await v.page.evaluate(subjects))) await shot(name, act, full)
    if (v.trouble.foreign.length || v.trouble.errors.length || v.trouble.failed.length) console.log('TROUBLE', JSON.stringify(v.trouble, null, 1))
    await v.context.close()
  }
await browser.close()
