/** Appends for as long as it is let live, and prints what was acknowledged: one line of JSON per batch. */
import { called, SeededRandom } from '@roomful/testkit'
import { createLocalBroker, openSqliteLog } from '../../src/adapters/brokers/local/index.ts'
import { systemClock as clock } from '../../src/adapters/system/clock-and-random.ts'
import type { Append } from '../../src/core/ports/broker.ts'

const [folder = '', life = '0'] = process.argv.slice(2)
const log = openSqliteLog({ folder, clock, random: new SeededRandom(life) })
const broker = called(createLocalBroker({ log }))
const ROOMS = 20

const heads = await broker.subscribe('/', Array.from({ length: ROOMS }, (_, i) => ({ roomId: `r${i}`, retention: undefined }))) // biome-ignore format: one call
process.stdout.write(`${JSON.stringify({ epochs: heads.map((head) => head.epoch) })}\n`)
for (let batch = 0; ; batch++) {
  const entries = Array.from({ length: 25 }, (_, i): Append => {
    const name = `${life}-${batch}-${i}`
    const argsJson = JSON.stringify([name, 'x'.repeat((batch * 37 + i * 101) % 900)])
    const key = { scope: 'ann', key: name, fingerprint: name }
    return { roomId: `r${(batch + i * i) % ROOMS}`, type: 't', argsJson, userId: 'ann', key, atomicGroup: undefined }
  })
  const results = await broker.append('/', entries)
  const acks = results.map((result, i) => [entries[i]?.key?.key, entries[i]?.roomId, 'seq' in result ? result.seq : 0])
  process.stdout.write(`${JSON.stringify({ acks })}\n`)
  await new Promise((resolve) => setImmediate(resolve))
}
