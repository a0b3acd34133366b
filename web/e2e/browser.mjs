// A browser that watches itself: every request to another host and every console error is remembered.
import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright-core'

export const SHOTS = new URL('./shots/', import.meta.url).pathname
mkdirSync(SHOTS, { recursive: true })

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist']

export const SIZES = { desk: { width: 1366, height: 768 }, phone: { width: 390, height: 844 } }

export async function openBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ARGS })
}

/** A fresh visitor. `trouble` collects what must not happen. */
export async function visitor(browser, base, { size = 'desk', lang = 'zh' } = {}) {
  const context = await browser.newContext({ baseURL: base, viewport: SIZES[size], locale: lang === 'zh' ? 'zh-CN' : 'en-GB', timezoneId: 'Asia/Shanghai', acceptDownloads: true, hasTouch: size === 'phone', isMobile: size === 'phone', deviceScaleFactor: 1 })
  await context.addInitScript((l) => { if (!localStorage.getItem('lanfan.lang')) localStorage.setItem('lanfan.lang', l) }, lang)
  const page = await context.newPage()
  page.setDefaultTimeout(30000)
  const trouble = { foreign: [], errors: [], failed: [] }
  const home = new URL(base).host
  page.on('request', (r) => {
    const u = new URL(r.url())
    if (/^(https?|wss?):$/.test(u.protocol) && u.host !== home) trouble.foreign.push(r.url())
  })
  page.on('response', (r) => {
    // A log-in that is not there yet answers 401 to /me; conflicts and refusals are part of the specs.
    if (r.status() >= 400 && !/\/api\/v1\/me$/.test(r.url())) trouble.failed.push(`${r.status()} ${r.request().method()} ${r.url()}`)
  })
  page.on('console', (m) => {
    if (m.type() === 'error' && !/status of 401|status of 409|status of 422|status of 404|status of 429/.test(m.text())) trouble.errors.push(m.text())
  })
  page.on('pageerror', (e) => trouble.errors.push(String(e)))
  return { base, context, page, trouble, go: (path) => page.goto(base + path) }
}

/** By the interface: the log-in page has a spec of its own. */
export async function logIn(v, login, password) {
  const answer = await v.context.request.post(v.base + '/api/v1/login', { data: { login, password } })
  if (!answer.ok()) throw new Error(`log-in of ${login}: ${answer.status()} ${await answer.text()}`)
}

/** The page is there and every request has its answer. */
export const settled = (page) => page.waitForFunction(() => {
  const main = document.querySelector('main')
  return main?.children.length && main.getAttribute('aria-busy') === 'false' && !main.querySelector('.state-box .spin')
})
/** The map has drawn its points, however slow the software renderer is. */
export async function mapReady(page) {
  await settled(page)
  await page.waitForSelector('[data-testid=map][data-idle]', { timeout: 60000 })
}
