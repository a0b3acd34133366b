import assert from 'node:assert/strict'
import { settled } from '../browser.mjs'
import { json, spec } from '../help.mjs'

export default [
  ['the five definites of a place, dead corners, and the formulas of the assessment', spec('city', {}, async (page, v) => {
    if (!(await json(page, 'meta')).rooms.some((r) => r.name === 'grid_gap')) return // a server whose grid keeps no gaps
    const code = '370302116'
    const five = await json(page, `grid/five?code=${code}`)
    await v.go(`/grid?code=${code}`)
    await page.waitForSelector('[data-testid=five]')
    const text = await page.textContent('[data-testid=five]')
    for (const word of [five.area.name, ...five.person.map((p) => p.title), ...five.task.map((x) => x.title)]) assert.ok(text.includes(word), word)
    const gaps = await json(page, 'grid/coverage?level=town')
    await page.click('[data-tab=gaps]')
    await page.waitForSelector('[data-gap=no_officer]')
    assert.equal(await page.textContent('[data-gap=no_officer] b'), String(gaps.no_officer.length))
    await page.click('[data-tab=assess]')
    await settled(page)
    assert.match(await page.textContent('.formulas'), /÷/)
    await page.setViewportSize({ width: 390, height: 844 })
    for (const tab of ['five', 'gaps', 'assess']) {
      await page.click(`[data-tab=${tab}]`)
      await settled(page)
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390, `${tab} scrolls sideways`)
    }
  })],
  ['an account that is bound to no place begins with the whole, and is told so in its language', spec('admin', { lang: 'en' }, async (page, v) => {
    await v.go('/grid')
    await page.waitForSelector('.chain')
    for (const text of [await page.textContent('.topbar .account'), await page.locator('.area-picker option').first().textContent()]) assert.match(text, /All areas/)
    await v.go('/r/station?new=1')
    assert.match(await page.textContent('.record-form [data-field=over_time] label'), / \(s\)/)
  })],
]
