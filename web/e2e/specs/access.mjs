import assert from 'node:assert/strict'
import { until } from '../../../tests/lib.mjs'
import { settled } from '../browser.mjs'
import { faint, json, noSideways, spec } from '../help.mjs'

export default [
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
  ...[['zh', ['全部台账', '查看', '报警', '确认']], ['en', ['All lists', 'View', 'Alarms', 'Acknowledge']]].map(([lang, words]) => [`what a role may is told in words, by room (${lang})`, spec('admin', { lang }, async (page, v) => {
    const { id } = (await json(page, 'role?code=city')).items[0]
    await v.go(`/r/role/${id}`)
    await page.waitForSelector('[data-testid=rights] li')
    const text = await page.textContent('[data-testid=rights]')
    for (const w of words) assert.ok(text.includes(w), w)
    assert.doesNotMatch(text, /[a-z_]+\.[a-z*]/, 'no raw words')
    assert.equal(await page.getAttribute('[data-testid=rights] [title="alarm.ack"]', 'title'), 'alarm.ack')
  })]),
  ['the rights of a new role are chosen, by who has them', spec('admin', {}, async (page, v) => {
    const code = `duty${Date.now() % 1e6}`
    await v.go('/r/role?new=1')
    for (const [name, text] of [['code', code], ['name', '值班员'], ['name_en', 'On duty']]) await page.fill(`.record-form [data-field=${name}] input`, text)
    const tick = (right) => page.locator(`.rights-input [data-right="${right}"]`)
    await tick('alarm.ack').check()
    await tick('alarm.close').check()
    await tick('alarm.*').check()
    assert.ok(await tick('alarm.close').isDisabled(), 'given with all of the room')
    await tick('*.read').check()
    assert.ok(await tick('matter.read').isChecked())
    await page.click('[data-testid=save]')
    await page.waitForURL(/\/r\/role\/\d+$/)
    assert.equal((await json(page, `role?code=${code}`)).items.length, 1)
    assert.equal((await json(page, `role/${page.url().split('/').at(-1)}`)).rights, 'alarm.* *.read')
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
    for (const path of ['/', '/bench', '/r/matter', '/r/matter?new=1', `/r/matter/${w.memory.matter ?? 1}`, '/packets?tab=decode', '/me']) {
      await v.go(path)
      await settled(page)
      // The map names its buttons when the browser has told what it may do.
      const found = await until(async () => { const list = await page.evaluate(bare); return list.length ? null : list }, 5000) ?? await page.evaluate(bare)
      assert.deepEqual(found, [], path)
    }
  })],
  ['text stands out from its ground (WCAG AA)', spec('city', {}, async (page, v, w) => {
    for (const path of ['/?layer=station', '/bench', '/r', '/r/matter', `/r/matter/${w.memory.matter ?? 1}`, '/packets', '/me']) {
      await v.go(path)
      await settled(page)
      assert.deepEqual(await page.evaluate(faint), [], path)
    }
  })],
  ['a page ends where its content ends', spec('city', { size: 'phone' }, async (page, v) => {
    const station = (await json(page, 'station/live')).items.find((s) => s.values.length)
    for (const path of ['/me', `/station/${station.id}/packets`, '/?layer=station', '/grid?tab=assess', '/bench']) {
      await v.go(path)
      await settled(page)
      await page.waitForTimeout(500)
      const [all, shown] = await page.evaluate(() => [document.documentElement.scrollHeight, document.querySelector('#app').getBoundingClientRect().height])
      assert.ok(all <= Math.ceil(shown) + 1, `${path}: ${all} of ${shown}`)
    }
  })],
]

/** Runs in the page: fields without a label, pictures without a text, buttons without a name. */
function bare() {
  const named = (e) => e.getAttribute('aria-label') || e.labels?.length || e.getAttribute('aria-labelledby') || e.title || e.placeholder
  const seen = (e) => e.offsetParent !== null
  return [...document.querySelectorAll('input, select, textarea')].filter((e) => seen(e) && !named(e))
    .concat([...document.querySelectorAll('img:not([alt])')])
    .concat([...document.querySelectorAll('button, a')].filter((e) => seen(e) && !e.textContent.trim() && !e.getAttribute('aria-label') && !e.title))
    .map((e) => e.outerHTML.slice(0, 120))
}
