import assert from 'node:assert/strict'
import { until } from '../../../tests/lib.mjs'
import { settled, SHOTS } from '../browser.mjs'
import { change, choose, json, moveOn, photo, spec, stateIs } from '../help.mjs'

export default [
  ['the township reports a matter by the form, with a point on the map', spec('town', {}, async (page, v, w) => {
    await v.go('/r/matter')
    await page.click('[data-testid=create]')
    await page.waitForSelector('.record-form')
    await page.click('[data-testid=save]')
    await page.waitForSelector('.record-form .wrong')
    const title = `浏览器测试 ${Date.now()}`
    await page.fill('[data-field=title] input', title)
    for (const field of ['category', 'origin']) assert.equal(await page.locator(`.record-form [data-field=${field}] .wrong`).count(), 1, `${field} has to be chosen`)
    await choose(page, 'category', 2)
    await choose(page, 'origin')
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
  ['the work bench counts what it lists, and a move changes both', spec('officer', {}, async (page, v, w) => {
    await v.go('/bench')
    for (const tab of ['todo', 'overdue', 'done']) {
      // Matters come meanwhile, by themselves: what is shown follows.
      let seen
      const agree = async () => {
        await page.click(`[data-tab=${tab}]`)
        await settled(page)
        const { counts } = await json(page, 'bench')
        seen = [tab, counts[tab], await page.textContent(`[data-tab=${tab}] b`), await page.locator('[data-testid=bench-list] li').count()]
        return seen[2] === String(counts[tab]) && seen[3] === Math.min(counts[tab], 50)
      }
      assert.ok(await until(agree, 30000), seen?.join())
    }
    assert.ok((await json(page, 'bench')).counts.todo > 0)
    assert.ok((await json(page, `matter/${w.memory.matter}`))._verbs.includes('accept'))
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
    await page.waitForTimeout(1500)
    assert.equal(await page.locator('.detail > .warn-line').count(), 0, 'the own step is no news')
    await page.keyboard.press('Escape')
    await page.waitForSelector('[data-testid=move-form]', { state: 'detached' })
    await moveOn(page, 'handle', { note: '已现场制止并整改', file: await photo(page, 'after') })
    await stateIs(page, 'handled')
  })],
  ['what was uploaded is at most 2560 px and keeps its EXIF', spec('officer', {}, async (page, v, w) => {
    await v.go('/me')
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
  ['who reported is sealed and told as such; where nothing is sealed nothing is offered', spec('city', {}, async (page, v) => {
    const { category } = (await json(page, 'matter?limit=1')).items[0]
    const made = await change(page, 'matter', { title: `密封 ${Date.now()}`, category, origin: 'public', reporter_name: '张三', lon: 118.05, lat: 36.8 })
    await v.go(`/r/matter/${made.id}`)
    await page.waitForSelector('[data-value=reporter_name]')
    assert.equal((await page.textContent('[data-value=reporter_name]')).trim(), '已隐去')
    await page.getByRole('button', { name: '查看隐去信息' }).click()
    await page.fill('.el-dialog textarea', '核实举报')
    await page.locator('.el-dialog .btn.main').click()
    await page.waitForFunction(() => document.querySelector('[data-value=reporter_name]')?.textContent.trim() === '张三')
    const { id } = (await json(page, 'matter?limit=1&origin=monitor')).items[0]
    await v.go(`/r/matter/${id}`)
    await settled(page)
    assert.equal(await page.getByRole('button', { name: '查看隐去信息' }).count(), 0)
  })],
]
