import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { logIn, visitor } from '../browser.mjs'
import { change, json, spec, TMP, unzip } from '../help.mjs'

export default [
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
    const [mine, theirs] = [`我的行业 ${Date.now()}`, `他人行业 ${Date.now()}`]
    const was = await json(page, `source/${id}`)
    await v.go(`/r/source/${id}`)
    await page.click('[data-testid=edit]')
    await page.waitForSelector('.record-form')
    await page.fill('[data-field=industry] input', mine)
    await change(page, `source/${id}`, { version: was.version, industry: theirs }, 'PATCH')
    await page.click('[data-testid=save]')
    await page.waitForSelector('.clash')
    const text = await page.textContent('.clash')
    assert.ok(text.includes(theirs) && text.includes(mine))
    await page.getByRole('button', { name: '保留我的' }).click()
    await page.click('[data-testid=save]')
    await page.waitForSelector('.record-form', { state: 'detached' })
    assert.equal((await json(page, `source/${id}`)).industry, mine)
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
    const sheet = unzip(bytes, 'xl/worksheets/sheet1.xml')
    const found = (await json(page, 'source?limit=1&q=' + encodeURIComponent('化工'))).total
    assert.equal(sheet.match(/<row /g).length, found + 1, 'a heading and one row for each record')
    assert.ok(unzip(bytes, '[Content_Types].xml').includes('spreadsheetml'))
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
  ['an empty list says how to begin; a feed is made, and its token is given out on its page, once', spec('city', {}, async (page, v) => {
    const station = (await json(page, 'station?limit=1')).items[0]
    await v.go(`/r/feed?q=${encodeURIComponent('没有这样的')}`)
    await page.waitForSelector('.state-box')
    assert.equal(await page.locator('.state-box .btn').count(), 0, 'what the filters hide is not made anew')
    const { id } = (await json(page, `feed?station_id=${station.id}`)).items[0] ?? (await change(page, 'feed', { station_id: station.id, via: 'http', enabled: true }))
    await v.go(`/r/feed/${id}`)
    await page.click('[data-testid=issue]')
    const sure = page.locator('[data-testid=token-card] .btn.danger') // one that is in use is not replaced by a slip
    if (await sure.count()) await sure.click()
    const token = await page.inputValue('#feed-token')
    assert.match(token, /^lft_/)
    const example = await page.textContent('[data-testid=token-card] pre')
    const sent = await fetch(/http\S+$/.exec(example)[0], { method: 'POST', headers: { Authorization: /Bearer \S+(?=')/.exec(example)[0], 'Content-Type': 'application/json' }, body: /-d '(.*)'/.exec(example)[1] })
    assert.equal(sent.status, 200, await sent.text())
    await page.reload()
    await page.waitForSelector('[data-testid=token-card]')
    assert.equal(await page.locator('#feed-token').count(), 0, 'it is not shown again')
    assert.ok((await page.textContent('[data-testid=token-card]')).includes(token.slice(0, 8)))
  })],
  ['the area of a new record is picked by name', spec('city', {}, async (page, v) => {
    await v.go('/r/pilot?new=1')
    const code = page.locator('.record-form [data-field=grid_code] input')
    await page.waitForSelector('.record-form [data-field=grid_code] option[value="370302"]', { state: 'attached' })
    assert.equal(await code.inputValue(), '3703', 'it begins with the reader\'s own')
    await page.locator('.record-form [data-field=grid_code] select').first().selectOption('370302')
    assert.equal(await code.inputValue(), '370302')
    await page.locator('.record-form [data-field=grid_code] select').nth(1).selectOption('370302116')
    assert.equal(await code.inputValue(), '370302116')
  })],
  ['an English page names roles in English, a Chinese one in Chinese', spec('admin', { lang: 'en' }, async (page, v) => {
    await v.go('/r/account?q=演示市局')
    await page.waitForFunction(() => /City command centre/.test(document.querySelector('[data-testid=table]')?.textContent ?? ''))
    assert.doesNotMatch(await page.textContent('[data-testid=table]'), /市级指挥中心/)
    await v.go('/r/role')
    await page.waitForFunction(() => [...document.querySelectorAll('[data-rowlink]')].some((a) => a.textContent === 'Grid officer'))
  })],
  ['a limit is told with its unit, a table wider than the page scrolls by itself', spec('city', {}, async (page, v) => {
    await v.go('/r/limit_value?q=氨氮')
    await page.waitForSelector('[data-testid=table] tbody tr')
    assert.match(await page.locator('[data-testid=table] tbody tr').first().textContent(), /1 mg\/L/)
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 1366)
    await v.go('/r/role')
    await page.waitForFunction(() => { const on = document.querySelector('.room-nav .on')?.getBoundingClientRect(); return on && on.bottom <= innerHeight })
  })],
  ...['zh', 'en'].map((lang) => [`what an alarm has measured is told with its unit, and so is the limit (${lang})`, spec('city', { lang }, async (page, v) => {
    const text = /^[\d.]+ (mg\/L|[mµ]g\/m³)$/
    const { id } = (await json(page, 'alarm?limit=1&type=exceed&from_value=0.01')).items[0]
    await v.go('/r/alarm?type=exceed&from_value=0.01')
    const row = page.locator('[data-testid=table] tbody tr').first()
    await row.waitFor()
    const head = await page.locator('[data-testid=table] th').evaluateAll((all) => all.map((th) => th.dataset.col))
    for (const name of ['value', 'limit_value']) assert.match((await row.locator('td').nth(head.indexOf(name)).textContent()).trim(), text)
    assert.ok(!head.includes('unit'))
    await v.go(`/r/alarm/${id}`)
    for (const name of ['value', 'limit_value']) assert.match((await page.textContent(`[data-value=${name}]`)).trim(), text)
  })]),
  ...[['zh', '不升级'], ['en', 'never']].map(([lang, words]) => [`where 0 is no amount, its meaning is told instead, and beside the input (${lang})`, spec('city', { lang }, async (page, v) => {
    const rules = await Promise.all((await json(page, 'alarm_rule?limit=100')).items.map((r) => json(page, `alarm_rule/${r.id}`)))
    await v.go(`/r/alarm_rule/${rules.find((r) => r.escalate_minutes === 0 && r.lasting_minutes === 0).id}`)
    await page.waitForSelector('[data-value=escalate_minutes]')
    for (const name of ['escalate_minutes', 'lasting_minutes']) assert.equal((await page.textContent(`[data-value=${name}]`)).trim(), words)
    await page.click('[data-testid=edit]')
    assert.ok((await page.textContent('.record-form [data-field=escalate_minutes] .help')).includes(words))
    assert.equal(await page.inputValue('.record-form [data-field=escalate_minutes] input'), '0')
  })]),
  ...[['zh', /时限 4 小时（不分昼夜）/], ['en', /limit 4 h, round the clock/]].map(([lang, text]) => [`time that is given is told in hours, like what was used of it (${lang})`, spec('city', { lang }, async (page, v) => {
    const all = await Promise.all((await json(page, 'alarm?limit=50&type=exceed')).items.map((a) => json(page, `alarm/${a.id}`)))
    await v.go(`/r/alarm/${all.find((a) => a.escalate_minutes === 240).id}`)
    await page.waitForSelector('.clock li')
    assert.match(await page.textContent('.clock'), text)
  })]),
  ...['zh', 'en'].map((lang) => [`every list fits a screen of 1366, and still tells state, deadline and place (${lang})`, spec('admin', { lang }, async (page, v) => {
    const needed = { matter: ['title', 'due_at', 'grid_code', 'no', 'state', 'source_id', 'found_at', 'officer_id'], alarm: ['title', 'due_at', 'grid_code', 'severity', 'state', 'value', 'limit_value', 'began_at', 'matter_id'], limit_value: ['title', 'grid_code', 'kind', 'low', 'high', 'from_day', 'basis'] }
    for (const room of (await json(page, 'meta')).rooms) {
      if (!(await json(page, `${room.name}?limit=1`)).total) continue
      await v.go(`/r/${room.name}`)
      await page.waitForSelector('[data-testid=table] tbody tr')
      await page.waitForTimeout(200) // names come after their codes, and make columns wider
      const { over, columns } = await page.evaluate(() => { const box = document.querySelector('.table-wrap'); return { over: box.scrollWidth - box.clientWidth, columns: [...box.querySelectorAll('th')].map((th) => th.dataset.col) } })
      assert.ok(over <= 0, `${room.name} is ${over} px too wide`)
      if (columns.some((c) => !c)) continue // a page of its own
      for (const name of [room.title_field, ...room.fields.filter((f) => f.list && ['state', 'grid_code'].includes(f.name)).map((f) => f.name), ...(needed[room.name] ?? [])]) assert.ok(columns.includes(name), `${room.name} does not show ${name}`)
    }
  })]),
  ['what a list had no room for comes with a button, and goes with it', spec('city', {}, async (page, v) => {
    const columns = () => page.locator('[data-testid=table] th').count()
    await v.go('/r/matter')
    await page.waitForSelector('[data-testid=columns]')
    const few = await columns()
    await page.click('[data-testid=columns]')
    await page.waitForSelector('th[data-col=updated_at]')
    assert.ok((await columns()) > few)
    await page.click('[data-testid=columns]')
    await page.waitForSelector('th[data-col=updated_at]', { state: 'detached' })
    await page.setViewportSize({ width: 1920, height: 900 })
    await page.waitForSelector('th[data-col=updated_at]')
    assert.equal(await page.locator('[data-testid=columns]').count(), 0, 'a wide screen shows all')
  })],
  ['on a phone the menu of exports lies within the screen', spec('city', { size: 'phone', lang: 'en' }, async (page, v) => {
    for (const room of ['matter', 'alarm', 'alarm_rule']) {
      await v.go(`/r/${room}`)
      await page.locator('.menu summary').click()
      const box = await page.locator('.menu .card').boundingBox()
      assert.ok(box.x >= 0 && box.x + box.width <= 390, `${room}: ${JSON.stringify(box)}`)
    }
  })],
  ['what a record began with is told with names, not with numbers', spec('city', {}, async (page, v) => {
    const { id } = (await json(page, 'matter?limit=1&origin=monitor')).items[0]
    await v.go(`/r/matter/${id}`)
    await page.locator('[data-testid=timeline] .create .diff summary').click()
    const told = await page.textContent('[data-testid=timeline] .create .diff ul')
    assert.doesNotMatch(told, /#\d|3703\d\d/)
    assert.doesNotMatch(told, /→/)
  })],
  ['the places of a zone are called by their names', spec('city', {}, async (page, v) => {
    await v.go('/r/zone')
    await page.waitForFunction(() => /[镇街道]+ 37030\d{4}/.test(document.querySelector('[data-testid=table]')?.textContent ?? ''))
  })],
]
