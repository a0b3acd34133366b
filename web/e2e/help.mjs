// What the specs share: a visit that insists that nothing left the host, photos, moves, what every page must keep.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'
import { logIn, settled, SHOTS, visitor } from './browser.mjs'

export const TMP = new URL('./tmp/', import.meta.url).pathname
/** Runs a visit and then insists that nothing left the host and nothing was complained about. */
async function visit(w, login, opt, act) {
  const v = await visitor(w.browser, w.base, opt)
  try {
    if (login) await logIn(v, login, w.logins[login]?.password ?? w.logins.city.password)
    await act(v.page, v)
    assert.deepEqual(v.trouble.foreign, [], 'requests to other hosts')
    if (!opt.cut) assert.deepEqual(v.trouble.errors, [], 'console errors')
    if (!opt.refusals) assert.deepEqual(v.trouble.failed, [], 'refused requests')
  } catch (e) {
    await v.page.screenshot({ path: `${SHOTS}failed.png` }).catch(() => {})
    throw e
  } finally {
    await v.context.close()
  }
}
export const spec = (login, opt, act) => (w) => visit(w, login, opt, (page, v) => act(page, v, w))
export const json = async (page, path) => (await page.request.get('/api/v1/' + path)).json()
/** A request that changes something, as the visitor who is logged in. */
export async function change(page, path, data, method = 'POST') {
  const { csrf } = await json(page, 'me')
  const r = await page.request.fetch('/api/v1/' + path, { method, data, headers: { 'X-CSRF-Token': csrf } })
  assert.ok(r.ok(), `${method} ${path}: ${r.status()} ${await r.text()}`)
  return r.json()
}
/** The text of one file in a zip archive (an .xlsx is one), found by its central directory. */
export function unzip(bytes, name) {
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  let at = bytes.readUInt32LE(end + 16)
  for (let n = bytes.readUInt16LE(end + 10); n--;) {
    const [size, nameSize, more, note, from] = [bytes.readUInt32LE(at + 20), bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32), bytes.readUInt32LE(at + 42)]
    if (bytes.toString('utf8', at + 46, at + 46 + nameSize) === name) {
      const data = from + 30 + bytes.readUInt16LE(from + 26) + bytes.readUInt16LE(from + 28)
      const packed = bytes.subarray(data, data + size)
      return (bytes.readUInt16LE(at + 10) ? inflateRawSync(packed) : packed).toString()
    }
    at += 46 + nameSize + more + note
  }
  throw new Error(`${name} is not in the archive`)
}
/** A photo with the name of its moment: drawn by the browser itself. */
export async function photo(page, name, w = 3000, h = 2000) {
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
/** Chooses from a closed list of the form that is open. */
export async function choose(page, field, nth = 0) {
  await page.click(`.record-form [data-field=${field}] .el-select__wrapper`)
  await page.locator('.el-select-dropdown__item:visible').nth(nth).click()
  await page.waitForFunction(() => ![...document.querySelectorAll('.el-select-dropdown__item')].some((e) => e.offsetParent)) // it fades away
}
export async function moveOn(page, verb, { note, file, officer } = {}) {
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
export const stateIs = (page, code) => page.waitForSelector(`[data-testid=state][data-code="${code}"]`)

export async function noSideways(page, v, w, width) {
  const station = (await json(page, 'station/live')).items[0].id
  for (const path of ['/', '/?layer=station', '/bench', '/r', '/r/matter', '/r/station', `/r/matter/${w.memory.matter ?? 1}`, `/station/${station}`, `/station/${station}/packets`, '/packets?tab=decode', '/me']) {
    await v.go(path)
    await settled(page)
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(wide <= width, `${path} is ${wide} px wide`)
  }
}
/** Runs in the page: texts whose contrast with the nearest plain background is below 4.5 (3 for large ones). */
export function faint() {
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
