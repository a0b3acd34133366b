// Pictures of every page, both widths, both languages: node e2e/shots.mjs [name-filter]   (LANFAN_URL)
import { logIn, mapReady, openBrowser, SHOTS, visitor } from './browser.mjs'

const base = (process.env.LANFAN_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '')
const only = process.argv[2]
const hello = await (await fetch(base + '/api/v1/hello')).json()
const city = hello.logins.find((l) => l.login === 'city') ?? hello.logins[0]
const browser = await openBrowser()

async function firstId(page, room, query = '') {
  return page.evaluate(async ([r, q]) => (await (await fetch(`/api/v1/${r}?limit=1${q}`)).json()).items[0]?.id, [room, query])
}
for (const lang of ['zh', 'en'])
  for (const size of ['desk', 'phone']) {
    const v = await visitor(browser, base, { size, lang })
    const shot = async (name, act, full = false) => {
      if (only && !name.includes(only)) return
      try {
        await act()
        await v.page.screenshot({ path: `${SHOTS}${name}-${size}-${lang}.png`, fullPage: full })
        console.log('shot', name, size, lang)
      } catch (e) {
        console.log('FAILED', name, size, lang, String(e).split('\n')[0])
      }
    }
    await shot('login', () => v.go('/login').then(() => v.page.waitForTimeout(500)))
    await logIn(v, city.login, city.password)
    const station = await v.page.evaluate(async () => { const l = (await (await fetch('/api/v1/station/live')).json()).items; return (l.find((s) => s.state === 'exceed' && s.values.length) ?? l[0]).id })
    const matter = process.env.MATTER ?? (await firstId(v.page, 'matter', '&state=closed')) ?? (await firstId(v.page, 'matter'))
    const open = (path, wait = 1200) => async () => { await v.go(path); await v.page.waitForTimeout(wait) }
    await shot('home-matter', async () => { await v.go('/'); await mapReady(v.page); await v.page.waitForTimeout(1500) })
    await shot('home-peek', async () => { await v.go(`/?sel=${matter}`); await mapReady(v.page); await v.page.waitForTimeout(1000) })
    await shot('home-station', async () => { await v.go(`/?layer=station&sel=${station}`); await mapReady(v.page); await v.page.waitForTimeout(2000) })
    await shot('home-zoom', async () => { await v.go('/?layer=station&at=118.0500,36.8000,10.60'); await mapReady(v.page); await v.page.waitForTimeout(2500) })
    await shot('home-village', async () => { await v.go('/?layer=source&at=118.0500,36.8000,12.60'); await mapReady(v.page); await v.page.waitForTimeout(3500) })
    await shot('bench', open('/bench'))
    await shot('rooms', open('/r'))
    await shot('list-matter', open('/r/matter'))
    await shot('list-station', open('/r/station'))
    await shot('create', async () => { await v.go('/r/matter?new=1'); await v.page.waitForTimeout(3500) })
    await shot('import', async () => { await v.go('/r/source'); await v.page.waitForTimeout(800); await v.page.getByRole('button', { name: /导入|Import/ }).click(); await v.page.waitForTimeout(800) })
    await shot('detail', async () => { await v.go(`/r/matter/${matter}`); await v.page.waitForTimeout(3500) }, true)
    await shot('move', async () => { await v.go(`/r/matter/${(await firstId(v.page, 'matter', '&state=registered,found')) ?? matter}`); await v.page.waitForTimeout(800); await v.page.locator('.verbs .btn').first().click(); await v.page.waitForTimeout(800) })
    await shot('station', open(`/station/${station}?kind=rtd`, 2500))
    await shot('packets', async () => { await v.go(`/station/${station}/packets`); await v.page.waitForTimeout(800); await v.page.locator('[data-packet]').first().click(); await v.page.waitForTimeout(600) })
    await shot('me', open('/me'))
    await shot('lost', open('/nothing/here', 500))
    if (v.trouble.foreign.length || v.trouble.errors.length || v.trouble.failed.length) console.log('TROUBLE', JSON.stringify(v.trouble, null, 1))
    await v.context.close()
  }
await browser.close()
