// Browser tests against a real server of the demonstration: LANFAN_URL=http://... node e2e/run.mjs [word in the name of a spec]
// LANFAN_STATION_PORT: where it listens to stations; without it nothing is sent to it.
import { mkdirSync } from 'node:fs'
import { openBrowser } from './browser.mjs'
import access from './specs/access.mjs'
import audit from './specs/audit.mjs'
import grid from './specs/grid.mjs'
import lists from './specs/lists.mjs'
import map from './specs/map.mjs'
import matter from './specs/matter.mjs'
import series from './specs/series.mjs'
import session from './specs/session.mjs'

const specs = [...session, ...map, ...matter, ...series, ...lists, ...grid, ...audit, ...access]

const only = process.argv[2]
const base = (process.env.LANFAN_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '')
mkdirSync(new URL('./tmp/', import.meta.url).pathname, { recursive: true })

let passed = 0
let failed = 0
const hello = await fetch(base + '/api/v1/hello').then((r) => r.json(), () => null)
if (!hello?.logins?.length) {
  console.log(`Bail out! ${base} does not answer with demonstration log-ins (start it with --demo)`)
  process.exit(1)
}
const browser = await openBrowser()
const world = { browser, base, logins: Object.fromEntries(hello.logins.map((l) => [l.login, l])), stationPort: Number(process.env.LANFAN_STATION_PORT) || 0, memory: {} }
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
console.log(`1..${n}\n${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
