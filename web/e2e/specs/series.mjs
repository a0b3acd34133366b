import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { packet, Station, until } from '../../../tests/lib.mjs'
import { settled } from '../browser.mjs'
import { change, choose, json, spec, stateIs } from '../help.mjs'

export default [
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
    await page.waitForSelector('.decoded .raw')
    assert.match(await page.textContent('.decoded .raw'), /^##\d{4}/)
    await page.waitForSelector('[data-testid=factors] tbody tr')
  })],
  ['packets: why one was refused, what pasted text says, a station made of the quarantine', spec('city', {}, async (page, v, w) => {
    const mn = `E2E${Date.now()}`
    const good = packet({ mn, items: 'w01018-Rtd=12.5,w01018-Flag=N' })
    if (w.stationPort) {
      const line = await new Station(w.stationPort).open()
      line.socket.write(good)
      await until(async () => (await json(page, `packets/quarantine?mn=${mn}`)).items.length)
      line.close()
      await v.go(`/packets?tab=quarantine&mn=${mn}`)
      await page.locator('[data-packet]').first().click()
      await page.waitForSelector('[data-testid=factors]')
      await page.waitForSelector('[data-testid=register]')
      const known = (await json(page, 'packets/quarantine?reason=command')).items.find((p) => p.station_id)
      if (known) {
        await v.go(`/packets?tab=quarantine&reason=command&sel=${known.id}`)
        await page.waitForSelector('.decoded')
        assert.equal(await page.locator('[data-testid=register]').count(), 0, 'a station that is registered is not offered for registering')
        await v.go(`/packets?tab=quarantine&mn=${mn}`)
        await page.locator('[data-packet]').first().click()
      }
      await page.click('[data-testid=register]')
      await page.fill('.record-form [data-field=name] input', `浏览器登记 ${mn}`)
      await page.fill('.record-form input[data-field=lon]', '118.05')
      await page.fill('.record-form input[data-field=lat]', '36.80')
      await choose(page, 'kind', 2)
      await page.click('[data-testid=save]')
      await page.waitForURL(/\/station\/\d+$/)
      const id = page.url().split('/').pop()
      assert.ok(await until(async () => (await json(page, `station/${id}/packets`)).items.length === 1), 'what was held is taken in')
    }
    await v.go('/packets?tab=decode')
    await page.fill('#paste', `12:00 recv ${good.trim()}\n${good.trim().replace('=12.5', '=99.9')}`)
    await page.click('[data-testid=decode]')
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=verdict]').length === 2)
    assert.deepEqual(await page.locator('[data-testid=verdict]').evaluateAll((l) => l.map((e) => e.classList.contains('good'))), [true, false])
    await page.locator('[data-testid=parts] tr', { hasText: 'QN' }).first().hover()
    assert.match(await page.locator('.raw mark').first().textContent(), /^QN=\d{17}$/)
  })],
  ['curves of two stations: zoom in the address, table, CSV, picture', spec('city', {}, async (page, v) => {
    const live = (await json(page, 'station/live')).items.filter((s) => s.kind === 'flue' && s.values.some((x) => x.factor === 'a21026'))
    await v.go(`/station/${live[0].id}?kind=rtd&factor=a21026&with=${live[1].id}`)
    await page.waitForSelector('.series-chart canvas')
    await settled(page)
    assert.equal(await page.locator('[data-testid=series-summary] tbody tr').count(), 2)
    await page.locator('.series-chart canvas').first().hover()
    await page.keyboard.down('Control')
    const zoomed = async () => { await page.mouse.wheel(0, -400); return page.waitForURL(/[?&]w=/, { timeout: 3000 }).then(() => true, () => false) }
    assert.ok(await until(zoomed, 30000), 'the wheel zooms') // a chart that is still being drawn does not hear it
    await page.keyboard.up('Control')
    await page.click('[data-testid=whole]')
    await page.waitForURL((u) => !u.searchParams.has('w'))
    await page.click('[data-testid=as-table]')
    await page.waitForSelector('[data-testid=series-table] tbody tr')
    const [csv] = await Promise.all([page.waitForEvent('download'), page.click('[data-testid=series-csv]')])
    const text = readFileSync(await csv.path(), 'utf8')
    assert.ok(text.startsWith('\ufeff') && text.includes(live[0].name) && text.includes(live[1].name), text.slice(0, 200))
    const [png] = await Promise.all([page.waitForEvent('download'), page.click('[data-testid=series-png]')])
    const picture = readFileSync(await png.path())
    assert.ok(picture.subarray(1, 4).toString() === 'PNG' && picture.length > 10000, `${picture.length} bytes`)
  })],
  ['what the curve shows is put up for review, with station, factor and time filled in', spec('city', {}, async (page, v) => {
    const live = (await json(page, 'station/live')).items.find((s) => s.values.some((x) => x.factor === 'a21026'))
    await v.go(`/station/${live.id}?kind=rtd&factor=a21026`)
    await page.waitForSelector('.series-chart canvas')
    await page.click('[data-propose=review]')
    await page.waitForSelector('.record-form')
    await choose(page, 'action')
    await choose(page, 'new_flag')
    await page.fill('[data-field=reason] :is(input, textarea)', '浏览器测试')
    await page.click('[data-testid=save]')
    await page.waitForURL(/\/r\/review\/\d+$/)
    await stateIs(page, 'proposed')
    const row = await json(page, `review/${page.url().split('/').pop()}`)
    assert.deepEqual([row.station_id, row.factor, row.kind], [live.id, 'a21026', 'rtd'])
    await page.waitForSelector('.series-chart canvas')
    await change(page, `review/${row.id}/withdraw`, { version: row.version })
  })],
  ['a command is given by a form that asks only what it takes, and its packets are shown', spec('city', {}, async (page, v) => {
    const live = (await json(page, 'station/live')).items.find((s) => s.kind === 'wastewater' && s.last_at)
    await v.go(`/station/${live.id}`)
    await page.click('[data-testid=command]')
    await page.selectOption('#command-kind', '1062')
    await page.waitForSelector('[data-testid=command-form] [data-field=rtd_interval]')
    assert.equal(await page.locator('[data-testid=command-form] [data-field=begin_at]').count(), 0)
    await page.click('[data-testid=give]')
    await page.waitForSelector('[data-field=rtd_interval] .wrong')
    await page.fill('[data-field=rtd_interval] input', '60')
    await page.click('[data-testid=give]')
    await page.waitForURL(/\/r\/command\/\d+$/)
    await page.waitForSelector('[data-testid=dialogue] li.out')
    assert.match(await page.textContent('[data-testid=dialogue] li.out code'), /CN=1062.*RtdInterval=60/)
  })],
]
