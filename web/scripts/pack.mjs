// After the build: every file that shrinks is kept as .gz only (the server inflates it for the rare client that cannot), and the
// sizes are printed, so that growth is seen at once.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'

const dist = new URL('../dist', import.meta.url).pathname
const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => join(e.parentPath ?? e.path, e.name))
let raw = 0
let packed = 0
for (const file of files) {
  if (file.endsWith('.gz')) { rmSync(file); continue }
  const bytes = readFileSync(file)
  let sent = bytes.length
  if (/\.(js|mjs|css|svg|html|json|webmanifest)$/.test(file)) {
    const gz = gzipSync(bytes, { level: 9 })
    if (gz.length < bytes.length * 0.9) { writeFileSync(file + '.gz', gz); rmSync(file); sent = gz.length }
  }
  raw += bytes.length
  packed += sent
  if (bytes.length > 20000) console.log(`${relative(dist, file).padEnd(46)} ${(bytes.length / 1024).toFixed(1).padStart(8)} kB  ${(sent / 1024).toFixed(1).padStart(8)} kB gz`)
}
console.log(`${'all'.padEnd(46)} ${(raw / 1024).toFixed(1).padStart(8)} kB  ${(packed / 1024).toFixed(1).padStart(8)} kB gz`)
