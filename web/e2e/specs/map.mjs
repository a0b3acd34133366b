import assert from 'node:assert/strict'
import { until } from '../../../tests/lib.mjs'
import { mapReady, settled } from '../browser.mjs'
import { change, json, spec } from '../help.mjs'

export default [
  ['the map begins with the own township', spec('town', {}, async (page, v) => {
    await v.go('/')
    await mapReady(page)
    assert.match(await page.textContent('.maplibregl-ctrl-scale'), /^([1-5]\s?km|\d+\s?m)$/)
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
  ['map and list are twins: the same filters give the same records', spec('city', {}, async (page, v) => {
    for (const query of ['state=registered', 'grid_code=370302', 'q=化工']) {
      await v.go(`/?${query}`)
      await mapReady(page)
      // Stations go on sending meanwhile, and a new matter may come between two looks: all of them agree in the end.
      let seen
      const agree = async () => {
        const { total } = await json(page, `matter?limit=1&${query}`)
        const shown = await page.evaluate(() => [document.querySelector('[data-testid=map]').dataset.idle, ...['', ' .when'].map((x) => document.querySelectorAll('[data-testid=home-list] li' + x).length)])
        seen = JSON.stringify([query, total, shown])
        // Each that waits for somebody shows its light and until when.
        return shown[0] === String(total) && shown[1] === Math.min(total, 50) && (!query.startsWith('state') || shown[2] === shown[1])
      }
      assert.ok(await until(agree, 30000), seen)
    }
  })],
  ['going back leads to the filtered list again', spec('city', {}, async (page, v) => {
    await v.go('/r/station')
    await page.fill('[data-search]', '化工')
    await page.waitForURL(/q=/)
    await settled(page)
    const n = await page.locator('[data-testid=table] tbody tr').count()
    const address = page.url()
    await page.locator('[data-rowlink]:visible').first().click()
    await page.waitForURL(/\/r\/station\/\d+/)
    await settled(page)
    await page.goBack()
    assert.equal(page.url(), address)
    await page.waitForFunction((k) => document.querySelectorAll('[data-testid=table] tbody tr').length === k, n)
    assert.equal(await page.inputValue('[data-search]'), '化工')
  })],
  ['what another one reports arrives by itself', spec('city', {}, async (page, v) => {
    await v.go('/r/matter')
    await page.waitForSelector('.livedot.on')
    const title = `实时 ${Date.now()}`
    const at = (await json(page, 'station/live')).items[0]
    await change(page, 'matter', { title, category: 'E03', origin: 'patrol', lon: at.lon, lat: at.lat })
    await page.waitForFunction((t) => document.querySelector('[data-testid=table]')?.textContent.includes(t), title)
  })],
]
