// Browser tests. The same specs run against the stand-in (--mock) and against a real server (LANFAN_URL, demonstration log-ins).
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { openBrowser } from './browser.mjs'
import { specs } from './specs.mjs'

const mock = process.argv.includes('--mock')
const only = process.argv.slice(2).find((a) => !a.startsWith('--'))
const port = 8300 + (process.pid % 500)
const base = (mock ? `http://127.0.0.1:${port}` : (process.env.LANFAN_URL ?? 'http://127.0.0.1:8080')).replace(/\/$/, '')
mkdirSync(new URL('./tmp/', import.meta.url).pathname, { recursive: true })

let server = null
if (mock) {
  server = spawn(process.execPath, [new URL('../mock/server.mjs', import.meta.url).pathname, String(port)], { stdio: ['ignore', 'ignore', 'inherit'] })
  for (let i = 0; i < 50; i++) if (await fetch(base + '/api/v1/hello').then(() => true, () => false)) break; else await new Promise((r) => setTimeout(r, 100))
}
let passed = 0
let failed = 0
const hello = await fetch(base + '/api/v1/hello').then((r) => r.json(), () => null)
if (!hello?.logins?.length) {
  console.log(`Bail out! ${base} does not answer with demonstration log-ins (start it with --demo)`)
  server?.kill()
  process.exit(1)
}
const browser = await openBrowser()
const world = { browser, base, mock, logins: Object.fromEntries(hello.logins.map((l) => [l.login, l])), memory: {} }
let n = 0
for (const [name, run] of specs) {
  if (only && !name.includes(only)) continue
  n++
  const began = Date.now()
  try {
    await run(world)
    passed++
    console.log(`ok ${n} - ${name} (${Date.now() - began} ms)`)
  } catch (e) {
    failed++
    console.log(`not ok ${n} - ${name}\n  ${String(e.stack ?? e).split('\n').slice(0, 6).join('\n  ')}`)
  }
}
await browser.close()
server?.kill()
console.log(`1..${n}\n${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
