import assert from 'node:assert/strict'
import { settled } from '../browser.mjs'
import { spec } from '../help.mjs'

export default [
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
  ['the language changes at once and stays', spec('city', {}, async (page, v) => {
    await v.go('/r/matter')
    await page.click('[data-testid=lang]')
    await page.waitForFunction(() => document.documentElement.lang === 'en' && document.querySelector('h1')?.textContent === 'Matters')
    await page.reload()
    await page.waitForFunction(() => document.querySelector('h1')?.textContent === 'Matters')
    const asked = page.waitForRequest(/\/api\/v1\/bench/)
    await v.go('/bench')
    assert.equal((await asked).headers()['accept-language'], 'en')
    await page.click('[data-testid=lang]')
    await page.waitForFunction(() => document.documentElement.lang === 'zh-CN')
  })],
  ['a log-in that has ended leads to the log-in page and back to the same place', spec('city', { refusals: true }, async (page, v, w) => {
    await v.go('/r/source?q=化工')
    await settled(page)
    const address = page.url()
    await v.context.clearCookies()
    await page.click('[data-testid=lang]') // the page is read again in the other language
    await page.waitForURL(/\/login\?next=.*expired=1/)
    await page.waitForSelector('.login [role=status]')
    await page.click('[data-login=city]')
    await page.waitForURL((u) => u.pathname === '/r/source')
    assert.equal(new URL(page.url()).searchParams.get('q'), new URL(address).searchParams.get('q'))
    assert.ok(w.logins.city)
  })],
  ['a server that is away is said, and its return too', spec('city', { cut: true }, async (page, v) => {
    await v.go('/r/source')
    await settled(page)
    await v.context.setOffline(true)
    await page.click('th .sort')
    await page.waitForSelector('[data-testid=away]')
    await page.waitForSelector('.state-box.bad')
    await v.context.setOffline(false)
    await page.click('.state-box .btn')
    await page.waitForSelector('[data-testid=away]', { state: 'detached' })
    await page.waitForSelector('[data-testid=table] tbody tr')
  })],
  ['after logging out nothing is left on the screen', spec('city', {}, async (page, v) => {
    await v.go('/me')
    await page.click('[data-testid=logout]')
    await page.waitForURL(/\/login/)
    await v.go('/bench')
    await page.waitForURL(/\/login\?next=/)
  })],
]
