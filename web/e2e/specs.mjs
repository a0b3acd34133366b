import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { logIn, mapReady, SHOTS, visitor } from './browser.mjs'

const TMP = new URL('./tmp/', import.meta.url).pathname
/** Runs a visit and then insists that nothing left the host and nothing was complained about. */
async function visit(w, login, opt, act) {
  const v = await visitor(w.browser, w.base, opt)
  try {
    if (login) await logIn(v, login, w.logins[login]?.password ?? w.logins.city.password)
    await act(v.page, v)
    assert.deepEqual(v.trouble.foreign, [], 'requests to other hosts')
    assert.deepEqual(v.trouble.errors, [], 'console errors')
    if (!opt.refusals) assert.deepEqual(v.trouble.failed, [], 'refused requests')
  } catch (e) {
    await v.page.screenshot({ path: `${SHOTS}failed.png` }).catch(() => {})
    throw e
  } finally {
    await v.context.close()
  }
}
const spec = (login, opt, act) => (w) => visit(w, login, opt, (page, v) => act(page, v, w))
const json = (page, path) => page.evaluate(async (p) => (await fetch('/api/v1/' + p)).json(), path)
/** A photo with the name of its moment: drawn by the browser itself. */
async function photo(page, name, w = 3000, h = 2000) {
  const b64 = await page.evaluate(async ([text, width, height]) => {
    const c = document.createElement('canvas')
    Object.assign(c, { width, height })
    const p = c.getContext('2d')
    p.fillStyle = text === 'before' ? '#777' : '#3a8'
    p.fillRect(0, 0, width, height)
    p.fillStyle = '#fff'
    p.font = '300px sans-serif'
    p.fillText(text, 200, height / 2)
    const blob = await new Promise((r) => c.toBlob(r, 'image/jpeg', 0.9))
    const bytes = new Uint8Array(await blob.arrayBuffer())
    let s = ''
    for (const b of bytes) s += String.fromCharCode(b)
    return btoa(s)
  }, [name, w, h])
  // A camera's EXIF (DateTime) in front, to see that it survives the shrinking.
  const jpeg = Buffer.from(b64, 'base64')
  const tiff = Buffer.concat([Buffer.from('II*\0\x08\0\0\0\x01\0\x32\x01\x02\0\x14\0\0\0\x1a\0\0\0\0\0\0\0', 'latin1'), Buffer.from('2026:11:24 08:15:00\0')])
  const body = Buffer.concat([Buffer.from('Exif\0\0'), tiff])
  const app1 = Buffer.concat([Buffer.from([0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255]), body])
  const file = `${TMP}${name}.jpg`
  writeFileSync(file, Buffer.concat([jpeg.subarray(0, 2), app1, jpeg.subarray(2)]))
  return file
}
async function moveOn(page, verb, { note, file, officer } = {}) {
  await page.click(`.verbs [data-verb="${verb}"]`)
  await page.waitForSelector('[data-testid=move-form]')
  if (officer) {
    await page.click('[data-field=officer_id] .el-select__wrapper')
    await page.keyboard.type(officer)
    await page.locator('.el-select-dropdown__item:visible', { hasText: officer }).first().click()
  }
  if (note) await page.fill('[data-testid=note]', note)
  if (file) {
    await page.setInputFiles('[data-testid=move-form] [data-testid=photo]', file)
    await page.waitForSelector('[data-testid=move-form] .ok')
  }
  await page.click('[data-testid=move-go]')
  await page.waitForSelector('[data-testid=move-form]', { state: 'detached' })
}
const stateIs = (page, code) => page.waitForSelector(`[data-testid=state][data-code="${code}"]`)

export const specs = [
  ['a wrong password is refused with words, the right one opens the home page', spec(null, { refusals: true }, async (page, v, w) => {
    await v.go('/bench')
    await page.waitForURL(/\/login\?next=/)
    await page.fill('#login', 'nobody-here')
    await page.fill('#password', 'wrong-password')
    await page.click('button[type=submit]')
    await page.waitForSelector('.wrong[role=alert]')
    await page.click('[data-login=city]')
    await page.waitForSelector('.topbar')
    assert.match(page.url(), /\/bench$/, 'goes on to where one wanted to go')
    assert.ok(w.logins.city)
  })],
  ['the map shows counties and stations, the list holds the same', spec('city', {}, async (page, v) => {
    await v.go('/?layer=station')
    await mapReady(page)
    const areas = await json(page, 'grid/areas?level=county')
    assert.equal(areas.features.length, 8)
    const live = await json(page, 'station/live')
    await page.waitForSelector('[data-testid=home-list] li')
    assert.equal(await page.locator('[data-testid=home-list] li').count(), live.items.length)
    await page.waitForSelector('[data-testid=generated]')
    // The canvas is not one flat colour: counties are drawn.
    const shot = await page.locator('[data-testid=map]').screenshot()
    assert.ok(shot.length > 12000, `map picture of ${shot.length} bytes`)
  })],
  ['a live value arrives and pulses', spec('city', {}, async (page, v) => {
    await v.go('/?layer=station')
    await page.waitForSelector('.livedot.on')
    await page.waitForFunction(() => Number(document.querySelector('.home').dataset.beat) > 0, null, { timeout: 30000 })
  })],
  ['a station opens from the list: values, curve, packets field by field', spec('city', {}, async (page, v) => {
    const live = (await json(page, 'station/live')).items.find((s) => s.values.length)
    await v.go('/?layer=station')
    await page.click(`[data-testid=home-list] [data-id="${live.id}"]`)
    await page.waitForSelector('[data-testid=station-panel] .values tbody tr')
    assert.match(page.url(), new RegExp(`sel=${live.id}`))
    await page.getByRole('link', { name: '曲线对比' }).click()
    await page.waitForSelector('.station-grid')
    await page.click('[data-kind=rtd]')
    await page.waitForSelector('.series-chart canvas')
    await page.goBack()
    await page.waitForSelector('[data-testid=station-panel]')
    await v.go(`/station/${live.id}/packets`)
    await page.locator('[data-packet]').first().click()
    await page.waitForSelector('.raw')
    assert.match(await page.textContent('.raw'), /^##\d{4}/)
  })],
  ['filters live in the address and come back with it', spec('city', {}, async (page, v) => {
    await v.go('/?layer=station')
    await page.waitForSelector('[data-testid=home-list] li')
    const all = await page.locator('[data-testid=home-list] li').count()
    await page.selectOption('#area-1', '370302')
    await page.waitForURL(/grid_code=370302/)
    await page.waitForFunction((n) => document.querySelectorAll('[data-testid=home-list] li').length < n, all)
    const some = await page.locator('[data-testid=home-list] li').count()
    await page.reload()
    await page.waitForSelector('[data-testid=home-list] li')
    assert.equal(await page.locator('[data-testid=home-list] li').count(), some)
    await page.click('[data-testid=this-area]')
    await page.waitForURL(/bbox=/)
  })],
  ['the township reports a matter by the form, with a point on the map', spec('town', {}, async (page, v, w) => {
    await v.go('/r/matter')
    await page.click('[data-testid=create]')
    await page.waitForSelector('.record-form')
    await page.click('[data-testid=save]')
    await page.waitForSelector('.record-form .wrong')
    const title = `浏览器测试 ${Date.now()}`
    await page.fill('[data-field=title] input', title)
    await page.click('[data-field=category] .el-select__wrapper')
    await page.locator('.el-select-dropdown__item:visible').nth(2).click()
    // A place of its own grid: the middle of the township's area.
    const here = await page.evaluate(async () => {
      const code = (await (await fetch('/api/v1/me')).json()).grid_code
      const areas = (await (await fetch('/api/v1/grid/areas?level=town')).json()).features
      const ring = areas.find((a) => a.properties.code === code).geometry.coordinates.flat(Infinity)
      const xs = ring.filter((_, i) => i % 2 === 0)
      const ys = ring.filter((_, i) => i % 2 === 1)
      return [xs.reduce((a, b) => a + b) / xs.length, ys.reduce((a, b) => a + b) / ys.length]
    })
    await page.fill('input[data-field=lon]', here[0].toFixed(5))
    await page.fill('input[data-field=lat]', here[1].toFixed(5))
    await page.waitForSelector('.point-picker .found')
    await page.click('[data-testid=save]')
    await page.waitForURL(/\/r\/matter\/\d+$/)
    await stateIs(page, 'found')
    w.memory.matter = Number(page.url().split('/').pop())
    w.memory.title = title
    await moveOn(page, 'register', {})
    await stateIs(page, 'registered')
    await moveOn(page, 'dispatch', { officer: w.logins.officer.name })
    await stateIs(page, 'dispatched')
  })],
  ['the officer finds it on the bench, accepts, and handles it with note and photo', spec('officer', { size: 'phone' }, async (page, v, w) => {
    await v.go('/bench')
    const item = page.locator(`[data-item="matter/${w.memory.matter}"]`)
    await item.waitFor()
    await item.locator('[data-verb=accept]').click()
    await page.waitForSelector('[data-testid=move-form]')
    const before = await photo(page, 'before')
    await page.setInputFiles('[data-testid=move-form] [data-testid=photo]', before)
    await page.waitForSelector('[data-testid=move-form] .ok')
    await page.click('[data-testid=move-go]')
    await page.waitForSelector('[data-testid=move-form]', { state: 'detached' })
    await v.go(`/r/matter/${w.memory.matter}`)
    await stateIs(page, 'accepted')
    // Without a note and a photo it does not go.
    await page.click('.verbs [data-verb=handle]')
    await page.click('[data-testid=move-go]')
    assert.equal(await page.locator('[data-testid=move-form] .wrong').count(), 2)
    await page.keyboard.press('Escape')
    await page.waitForSelector('[data-testid=move-form]', { state: 'detached' })
    await moveOn(page, 'handle', { note: '已现场制止并整改', file: await photo(page, 'after') })
    await stateIs(page, 'handled')
  })],
  ['what was uploaded is at most 2560 px and keeps its EXIF', spec('officer', {}, async (page, v, w) => {
    const line = await json(page, `matter/${w.memory.matter}/timeline`)
    const file = line.items.flatMap((i) => i.files ?? []).at(-1)
    const got = await page.evaluate(async (hash) => {
      const bytes = new Uint8Array(await (await fetch('/api/v1/files/' + hash)).arrayBuffer())
      const pic = await createImageBitmap(new Blob([bytes]))
      return { w: pic.width, h: pic.height, exif: new TextDecoder('latin1').decode(bytes.subarray(0, 200)) }
    }, file.hash)
    assert.equal(got.w, 2560)
    assert.match(got.exif, /Exif.*2026:11:24 08:15:00/s)
  })],
  ['the township verifies', spec('town', {}, async (page, v, w) => {
    await v.go(`/r/matter/${w.memory.matter}`)
    await stateIs(page, 'handled')
    await moveOn(page, 'verify', { note: '现场已核查' })
    await stateIs(page, 'verified')
  })],
  ['the county closes; the time line is complete, with before and after', spec('county', {}, async (page, v, w) => {
    await v.go(`/r/matter/${w.memory.matter}`)
    await stateIs(page, 'verified')
    await moveOn(page, 'close', {})
    await stateIs(page, 'closed')
    await page.waitForFunction(() => document.querySelector('[data-testid=timeline] [data-verb=close]'))
    const verbs = await page.locator('[data-testid=timeline] > li').evaluateAll((list) => list.map((li) => li.dataset.verb))
    const want = ['register', 'dispatch', 'accept', 'handle', 'verify', 'close']
    assert.deepEqual(verbs.filter((x) => want.includes(x)), want)
    await page.waitForSelector('.compare .stage img')
    assert.ok((await page.locator('.timeline .thumb').count()) >= 2)
    assert.ok((await page.locator('.timeline .used').count()) >= 4, 'minutes used of minutes allowed')
    await page.screenshot({ path: `${SHOTS}case-closed.png`, fullPage: true })
  })],
  ['a comment is added to the record', spec('county', {}, async (page, v, w) => {
    await v.go(`/r/matter/${w.memory.matter}`)
    await page.fill('#comment', '浏览器测试备注')
    await page.getByRole('button', { name: '发送备注' }).click()
    await page.waitForFunction(() => document.querySelector('[data-testid=timeline]')?.textContent.includes('浏览器测试备注'))
  })],
  ['a county sees only the county', spec('county', { refusals: true }, async (page, v) => {
    const code = (await json(page, 'me')).grid_code
    for (const room of ['matter', 'station', 'source']) {
      const { items } = await json(page, `${room}?limit=200`)
      assert.ok(items.every((i) => i.grid_code.startsWith(code)), room)
    }
    await v.go('/?layer=station')
    await page.waitForSelector('[data-testid=home-list] li')
    const live = (await json(page, 'station/live')).items
    assert.ok(live.length > 0 && live.every((s) => s.grid_code.startsWith(code)))
    assert.equal(await page.locator('[data-testid=home-list] li').count(), live.length)
  })],
  ['a record outside the grid is not there', spec('county', { refusals: true }, async (page, v, w) => {
    const other = await visitor(w.browser, w.base)
    await logIn(other, 'city', w.logins.city.password)
    const code = (await json(page, 'me')).grid_code
    const foreign = (await json(other.page, 'source?limit=200')).items.find((i) => !i.grid_code.startsWith(code))
    await other.context.close()
    await v.go(`/r/source/${foreign.id}`)
    await page.waitForSelector('.state-box.bad')
  })],
  ['two editors of one record: the slower one sees both sides and decides', spec('city', { refusals: true }, async (page, v) => {
    const id = (await json(page, 'source?limit=1')).items[0].id
    const was = await json(page, `source/${id}`)
    await v.go(`/r/source/${id}`)
    await page.click('[data-testid=edit]')
    await page.waitForSelector('.record-form')
    await page.fill('[data-field=industry] input', '我的行业')
    const faster = await page.evaluate(async ([i, version]) => (await fetch(`/api/v1/source/${i}`, { method: 'PATCH', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': (await (await fetch('/api/v1/me')).json()).csrf }, body: JSON.stringify({ version, industry: '他人行业' }) })).status, [id, was.version])
    assert.equal(faster, 200)
    await page.click('[data-testid=save]')
    await page.waitForSelector('.clash')
    const text = await page.textContent('.clash')
    assert.ok(text.includes('他人行业') && text.includes('我的行业'))
    await page.getByRole('button', { name: '保留我的' }).click()
    await page.click('[data-testid=save]')
    await page.waitForSelector('.record-form', { state: 'detached' })
    assert.equal((await json(page, `source/${id}`)).industry, '我的行业')
  })],
  ['lists: search, sort, more, and the same filters in the export', spec('city', {}, async (page, v) => {
    await v.go('/r/source')
    await page.waitForSelector('[data-testid=table] tbody tr')
    const total = (await json(page, 'source?limit=1')).total
    assert.match(await page.textContent('[data-testid=total]'), new RegExp(String(total)))
    if (total > 50) {
      await page.click('[data-testid=more]')
      await page.waitForFunction(() => document.querySelectorAll('[data-testid=table] tbody tr').length > 50)
    }
    await page.click('th .sort')
    await page.waitForURL(/sort=/)
    await page.fill('[data-search]', '化工')
    await page.waitForURL(/q=/)
    await page.click('.menu summary')
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-export=xlsx]')])
    assert.match(download.url(), /\/source\.xlsx\?.*q=/)
    const bytes = readFileSync(await download.path())
    assert.equal(bytes.subarray(0, 2).toString(), 'PK')
  })],
  ['import: a dry run names the refused rows', spec('city', {}, async (page, v) => {
    const meta = await json(page, 'meta')
    const source = meta.rooms.find((r) => r.name === 'source')
    const head = ['name', 'industry', 'lon', 'lat'].map((n) => source.fields.find((f) => f.name === n).zh)
    const at = (await json(page, 'source?limit=1')).items[0]
    const full = await json(page, `source/${at.id}`)
    writeFileSync(`${TMP}rows.csv`, '\ufeff' + [head, ['浏览器导入厂', '化工', full.lon, full.lat], ['', '化工', full.lon, full.lat]].map((r) => r.join(',')).join('\r\n') + '\r\n')
    await v.go('/r/source')
    await page.getByRole('button', { name: '导入' }).click()
    await page.setInputFiles('[data-testid=import-file]', `${TMP}rows.csv`)
    await page.waitForSelector('.import .refused tbody tr')
    assert.equal(await page.locator('.import .refused tbody tr').count(), 1)
  })],
  ['the keyboard is enough: list, bench, shortcuts', spec('city', {}, async (page, v) => {
    await v.go('/bench')
    await page.waitForSelector('[data-testid=bench-list] li')
    await page.keyboard.press('j')
    assert.equal(await page.evaluate(() => document.activeElement.dataset.bench), '0')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/r\/\w+\/\d+/)
    await page.keyboard.press('Shift+?')
    await page.waitForSelector('.keys')
    await page.keyboard.press('Escape')
    await page.waitForSelector('.keys', { state: 'hidden' })
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    await page.waitForURL(/\/(\?.*)?$/)
  })],
  ['the language changes at once and stays', spec('city', {}, async (page, v) => {
    await v.go('/r/matter')
    await page.click('[data-testid=lang]')
    await page.waitForFunction(() => document.documentElement.lang === 'en' && document.querySelector('h1').textContent === 'Matters')
    await page.reload()
    await page.waitForFunction(() => document.querySelector('h1')?.textContent === 'Matters')
    const asked = page.waitForRequest(/\/api\/v1\/bench/)
    await v.go('/bench')
    assert.equal((await asked).headers()['accept-language'], 'en')
    await page.click('[data-testid=lang]')
    await page.waitForFunction(() => document.documentElement.lang === 'zh-CN')
  })],
  ['desktop 1366: no page scrolls sideways', spec('city', {}, async (page, v, w) => {
    await noSideways(page, v, w, 1366)
  })],
  ['phone 390: tabs at the bottom, no page scrolls sideways, targets of 44 px', spec('city', { size: 'phone' }, async (page, v, w) => {
    await noSideways(page, v, w, 390)
    await v.go('/bench')
    await page.waitForSelector('.tabs a')
    for (const box of await page.locator('.tabs a').evaluateAll((l) => l.map((a) => a.getBoundingClientRect().height))) assert.ok(box >= 44)
    await page.waitForSelector('.bench-list .btn')
    for (const h of await page.locator('.bench-list .acts .btn').evaluateAll((l) => l.map((a) => a.getBoundingClientRect().height))) assert.ok(h >= 43.5, `button of ${h}`)
    await page.locator('.tabs a').nth(2).click()
    await page.waitForURL(/\/r$/)
  })],
  ['every field has a label and every picture a text', spec('city', {}, async (page, v, w) => {
    for (const path of ['/', '/bench', '/r/matter', '/r/matter?new=1', `/r/matter/${w.memory.matter ?? 1}`, '/me']) {
      await v.go(path)
      await page.waitForTimeout(1200)
      const bare = await page.evaluate(() => {
        const named = (e) => e.getAttribute('aria-label') || e.labels?.length || e.getAttribute('aria-labelledby') || e.title || e.placeholder
        const seen = (e) => e.offsetParent !== null
        return [...document.querySelectorAll('input, select, textarea')].filter((e) => seen(e) && !named(e)).map((e) => e.outerHTML.slice(0, 120))
          .concat([...document.querySelectorAll('img:not([alt])')].map((e) => e.outerHTML.slice(0, 120)))
          .concat([...document.querySelectorAll('button, a')].filter((e) => seen(e) && !e.textContent.trim() && !e.getAttribute('aria-label') && !e.title).map((e) => e.outerHTML.slice(0, 120)))
      })
      assert.deepEqual(bare, [], path)
    }
  })],
  ['text stands out from its ground (WCAG AA)', spec('city', {}, async (page, v, w) => {
    for (const path of ['/?layer=station', '/bench', '/r/matter', `/r/matter/${w.memory.matter ?? 1}`, '/me']) {
      await v.go(path)
      await page.waitForTimeout(1200)
      assert.deepEqual(await page.evaluate(faint), [], path)
    }
  })],
  ['after logging out nothing is left on the screen', spec('city', {}, async (page, v) => {
    await v.go('/me')
    await page.click('[data-testid=logout]')
    await page.waitForURL(/\/login/)
    await v.go('/bench')
    await page.waitForURL(/\/login\?next=/)
  })],
]

async function noSideways(page, v, w, width) {
  const station = (await json(page, 'station/live')).items[0].id
  for (const path of ['/', '/?layer=station', '/bench', '/r', '/r/matter', '/r/station', `/r/matter/${w.memory.matter ?? 1}`, `/station/${station}`, `/station/${station}/packets`, '/me']) {
    await v.go(path)
    await page.waitForTimeout(700)
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(wide <= width, `${path} is ${wide} px wide`)
  }
}
/** Runs in the page: texts whose contrast with the nearest plain background is below 4.5 (3 for large ones). */
function faint() {
  const rgb = (s) => s.match(/[\d.]+/g).map(Number)
  const lum = ([r, g, b]) => [r, g, b].map((x) => (x /= 255) <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4).reduce((a, x, i) => a + x * [0.2126, 0.7152, 0.0722][i], 0)
  const out = []
  for (const e of document.querySelectorAll('main *, .topbar *, .tabs *')) {
    if (!e.offsetParent || ![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || e.closest('[disabled], .sr, .maplibregl-map, svg')) continue
    let ground = e
    let back = null
    for (; ground; ground = ground.parentElement) {
      const s = getComputedStyle(ground)
      if (s.backgroundImage !== 'none') break
      const c = rgb(s.backgroundColor)
      if (c.length === 3 || c[3] > 0.9) { back = c; break }
    }
    if (!back) continue
    const s = getComputedStyle(e)
    const [a, b] = [lum(rgb(s.color)), lum(back)].sort((x, y) => y - x)
    const ratio = (a + 0.05) / (b + 0.05)
    const large = parseFloat(s.fontSize) >= 24 || (parseFloat(s.fontSize) >= 18.5 && Number(s.fontWeight) >= 700)
    if (ratio < (large ? 3 : 4.5)) out.push(`${ratio.toFixed(2)} ${e.className} ${e.textContent.trim().slice(0, 30)}`)
  }
  return [...new Set(out)].slice(0, 12)
}
