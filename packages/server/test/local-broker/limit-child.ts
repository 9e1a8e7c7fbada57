/** Run with a limit on the size of files: appends until that is met, and tells what became of it. */
import { called, SeededRandom } from '@roomful/testkit'
import { createLocalBroker, openSqliteLog } from '../../src/adapters/brokers/local/index.ts'
import { systemClock as clock } from '../../src/adapters/system/clock-and-random.ts'

const [folder = ''] = process.argv.slice(2)
const broker = called(createLocalBroker({ log: openSqliteLog({ folder, clock, random: new SeededRandom(1) }) }))
const argsJson = JSON.stringify(['x'.repeat(50_000)])
let stored = 0
const codes = new Set<string>()
for (let i = 0; i < 100; i++) {
  await broker
    .append('/', [{ roomId: 'a', type: 't', argsJson, userId: undefined, key: undefined, atomicGroup: undefined }])
    .then(
      () => stored++,
      (error: { code: string }) => codes.add(error.code),
    )
}
const [head] = await broker.heads('/', ['a'])
process.stdout.write(JSON.stringify({ stored, codes: [...codes], seq: head?.seq, isHealthy: broker.healthy() }))
await broker.close()
