// How smooth the page of curves is with a year of minutes: sends one to a server of its own, looks, and prints what was measured.
// usage, from the top of the tree: node web/e2e/year.mjs build/src/app/lanfan [days]
import { packet, Server, stamp, Station } from '../../tests/lib.mjs'
import { logIn, openBrowser, settled, SHOTS, visitor } from './browser.mjs'

const days = Number(process.argv[3]) || 365
const FACTORS = ['a21026', 'a21002', 'a34013']
const server = await Server.make(process.argv[2], 'sqlite')
let browser
try {
  server.run('demo')
  if (!(await server.start())) throw new Error('the server does not answer')
  const city = await server.user('city')
  const station = (await city.get('/station?limit=1&kind=flue')).json.items[0]
  const end = Math.floor(Date.now() / 60_000) * 60_000 - 60_000
  const line = await new Station(server.stationPort).open()
  const began = Date.now()
  let n = 0
  for (let at = end - days * 86_400_000; at < end;) {
    const some = []
    for (; some.length < 2000 && at < end; at += 60_000, n++) {
      const wave = (k) => (60 + 30 * Math.sin(n / (400 * k)) + 10 * Math.sin(n * k)).toFixed(2)
      if (n % 50_000 > 300) some.push(packet({ mn: station.mn, st: '31', cn: '2051', at, items: FACTORS.map((f, k) => `${f}-Avg=${wave(k + 1)},${f}-Flag=${n % 7001 ? 'N' : 'D'}`).join(';') }))
    }
    if (!(await line.send(some, 120_000))) throw new Error(`${stamp(at)} was not acknowledged`)
  }
  line.close()
  console.log(`sent      ${n} minutes of ${FACTORS.length} factors in ${((Date.now() - began) / 1000).toFixed(1)} s`)

  browser = await openBrowser()
  const v = await visitor(browser, server.base)
  await logIn(v, 'city', 'Lanfan-demo-1')
  const { page } = v
  await page.addInitScript(() => {
    window.long = []
    new PerformanceObserver((l) => window.long.push(...l.getEntries().map((e) => Math.round(e.duration)))).observe({ type: 'longtask', buffered: true })
  })
  const report = async (what, act) => {
    await page.evaluate(() => { window.long.length = 0; performance.clearResourceTimings() })
    const t0 = Date.now()
    await act()
    const { long, asked } = await page.evaluate(() => ({ long: window.long, asked: performance.getEntriesByType('resource').filter((e) => e.name.includes('/api/v1/series?')).map((e) => e.encodedBodySize) }))
    console.log(`${what.padEnd(9)} ${Date.now() - t0} ms, ${asked.length} requests, ${(asked.reduce((a, b) => a + b, 0) / 1024).toFixed(0)} kB, longest task ${Math.max(0, ...long)} ms of ${long.length} over 50 ms`)
  }
  const wheel = async (times) => {
    await page.locator('.series-chart canvas').first().hover()
    await page.keyboard.down('Control')
    for (let i = 0; i < times; i++) await page.mouse.wheel(0, -300)
    await page.keyboard.up('Control')
    await page.waitForURL(/[?&]w=/)
  }
  const drawn = async () => { await page.waitForSelector('.series-chart canvas'); await page.waitForFunction(() => document.querySelector('[data-asked]') && !document.querySelector('.curves .busy')); await settled(page) }
  await v.go('/me')
  await report('open', async () => { await v.go(`/station/${station.id}?kind=min&range=1y&factor=${FACTORS.join(',')}`); await drawn() })
  await report('zoom', async () => { await wheel(4); await page.waitForFunction(() => Number(document.querySelector('[data-asked]').dataset.asked) >= 2); await drawn() })
  await report('deeper', async () => { await wheel(12); await page.waitForTimeout(600); await drawn() })
  await page.screenshot({ path: `${SHOTS}year.png` })
  await report('whole', async () => { await page.click('[data-testid=whole]'); await drawn() })
  await report('table', async () => { await page.click('[data-testid=as-table]'); await page.waitForSelector('[data-testid=series-table] tbody tr') })
  console.log(`points    ${(await city.get(`/series?station=${station.id}&factor=${FACTORS[0]}&kind=min&from=${encodeURIComponent(new Date(end - days * 86_400_000).toISOString())}&to=${encodeURIComponent(new Date(end).toISOString())}&points=1600`)).json.series.map((s) => `${s.points.length} of ${s.stat.n}`).join()} for one line`)
} finally {
  await browser?.close()
  await server.remove()
}
