// DuckDB's side of bench_store: loads the minutes in the order of station and time (its best case), then prints the best of 21 times
// (milliseconds) of the hourly means of one station on one thread, and their sum.
// usage: node duckdb.mjs CSV DATABASE     LANFAN_DUCKDB: a folder where @duckdb/node-api is installed
import { createRequire } from 'node:module';
const [, , csv, file] = process.argv;
const { DuckDBInstance } = createRequire(`${process.env.LANFAN_DUCKDB}/`)('@duckdb/node-api');
const db = await (await DuckDBInstance.create(file, { threads: '1' })).connect();
await db.run('CREATE TABLE minute (station INTEGER, ms BIGINT, value DOUBLE, vmin DOUBLE, vmax DOUBLE, flag VARCHAR)');
await db.run(`COPY minute FROM '${csv}'`);
await db.run('CHECKPOINT');
const ask = await db.prepare('SELECT ms // 3600000 AS hour, avg(value) AS mean FROM minute WHERE station = 7 GROUP BY hour ORDER BY hour');
let best = Infinity, total = 0;
for (let i = 0; i < 21; i++) {
  const began = process.hrtime.bigint();
  const rows = await (await ask.run()).getColumns();
  best = Math.min(best, Number(process.hrtime.bigint() - began) / 1e6);
  total = rows[1].reduce((a, b) => a + b, 0);
}
console.log(best, total);
