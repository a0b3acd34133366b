import assert from 'node:assert/strict'
import { until } from '../../../tests/lib.mjs'
import { settled } from '../browser.mjs'
import { change, faint, json, spec } from '../help.mjs'

/** A polluter that the visitor edits; gives back its id. */
async function edited(page) {
  const [one] = (await json(page, 'source?limit=1')).items
  await change(page, `source/${one.id}`, { version: one.version, key_source: !one.key_source, address: `某路 ${Date.now() % 1000} 号` }, 'PATCH')
  return one.id
}
export default [
  ['audit: what was changed is found, told field by field, and leads to its record', spec('admin', {}, async (page, v) => {
    const id = await edited(page)
    await v.go('/r')
    await page.click('.rooms a[href="/r/audit"]')
    await page.waitForURL((u) => u.pathname === '/audit')
    await page.selectOption('[data-filter=topic]', 'source')
    await page.fill('[data-filter=row_id]', String(id))
    await page.keyboard.press('Enter')
    await page.waitForURL((u) => u.searchParams.get('row_id') === String(id))
    await page.selectOption('[data-filter=verb]', 'edit')
    await page.waitForURL(/verb=edit/)
    await until(async () => (await page.locator('.entries tbody tr').first().textContent()).includes(`污染源 #${id}`))
    assert.match(await page.locator('.entries tbody tr').first().textContent(), /演示管理员.*修改/)
    assert.match(await page.getAttribute('[data-export=csv]', 'href'), /audit\.csv\?.*row_id=/)
    await page.locator('.entries tbody a[data-rowlink]').first().click()
    await page.waitForSelector('[data-testid=changes]')
    const was = await page.textContent('[data-field=key_source] .was'), now = await page.textContent('[data-field=key_source] .now')
    assert.ok(was !== now && [was, now].every((x) => ['是', '否'].includes(x.trim())), `${was} ${now}`)
    assert.equal((await page.textContent('[data-field=key_source] th')).trim(), '重点排污单位')
    assert.deepEqual(await page.evaluate(faint), [])
    await page.click('[data-testid=record]')
    await page.waitForURL(new RegExp(`/r/source/${id}$`))
  })],
  ['audit: what is sealed is told to be sealed', spec('admin', {}, async (page, v) => {
    const at = (await json(page, 'station?limit=1')).items[0]
    const full = await json(page, `station/${at.id}`)
    const m = await change(page, 'matter', { title: '密封核对', category: 'E04', origin: 'patrol', lon: full.lon, lat: full.lat, reporter_name: '某举报人' })
    const entry = (await json(page, `audit?topic=matter&row_id=${m.id}`)).items.at(-1)
    await v.go(`/audit/${entry.id}`)
    await page.waitForSelector('[data-testid=changes]')
    assert.equal((await page.textContent('[data-field=reporter_name] .now')).trim(), '已密封')
    assert.ok(!(await page.textContent('body')).includes('某举报人'))
  })],
  ['audit: the chain is checked from the page, its head can be taken along and given back', spec('admin', {}, async (page, v) => {
    await v.go('/audit')
    const before = (await json(page, 'audit_check?limit=1')).total
    await page.click('[data-testid=verify]')
    await until(async () => (await json(page, 'audit_check?limit=1')).total > before && (await page.locator('[data-testid=verify]').count()))
    await page.waitForSelector('.chain [data-state=good]')
    const head = await page.inputValue('#audit-head')
    assert.match(head, /^[0-9a-f]{64}$/)
    await page.fill('#audit-anchor', head)
    await page.click('[data-testid=verify]')
    const last = await until(async () => { const [c] = (await json(page, 'audit_check?limit=1')).items; return c.state !== 'running' && (await json(page, `audit_check/${c.id}`)).anchor === head && json(page, `audit_check/${c.id}`) })
    assert.equal(last.state, 'good', JSON.stringify(last))
    assert.ok(last.anchor_at > 0)
  })],
  ['audit: on a phone, in English, nothing scrolls sideways', spec('admin', { size: 'phone', lang: 'en' }, async (page, v) => {
    const [{ id }] = (await json(page, 'audit?limit=1&verb=edit')).items, [check] = (await json(page, 'audit_check?limit=1')).items
    for (const path of ['/audit', `/audit/${id}`, '/r/audit_check', `/r/audit_check/${check.id}`]) {
      await v.go(path)
      await settled(page)
      await page.waitForSelector('h1')
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390, path)
      assert.deepEqual(await page.evaluate(faint), [], path)
    }
    await v.go('/audit')
    await page.click('.audit .fold')
    await page.waitForSelector('[data-filter=verb]')
  })],
  ['audit: who may not look finds no way there', spec('city', {}, async (page, v) => {
    await v.go('/r')
    await page.waitForSelector('.rooms a')
    assert.equal(await page.locator('.rooms a[href="/r/audit"]').count(), 0)
    await v.go('/audit')
    await page.waitForSelector('.state-box')
    assert.equal(await page.locator('.entries').count(), 0)
  })],
]
