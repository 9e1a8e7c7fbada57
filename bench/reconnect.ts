/**
 * Everyone comes back at once: a few thousand clients are cut off, miss fifty events each, and reconnect in the same
 * moment with their positions. Told: when the last one has caught up, what of that the server's main thread worked, and
 * the server's memory at its peak beside what it was with everyone connected. Speed target P8.
 *
 *   npm run bench -- reconnect [--clients 5000] [--missed 50] [--store memory|sqlite]
 */
import { parseArgs } from 'node:util'
import { BareClient } from './lib/bare-client.ts'
import { ServerProcess } from './lib/server-process.ts'
import { table, whole } from './lib/table.ts'

const MEMBERS = 50
const SAMPLE_MS = 50
const GIVE_UP_MS = 60_000
const EVENT = '"type":"published"'
const POSITION = /"epoch":"([^"]+)","seq":(\d+)/

export interface Return {
  readonly seconds: number
  readonly serverSeconds: number
  readonly deliveries: number
  readonly steadyBytes: number
  readonly peakBytes: number
}

/** @param script of the server, beside this file or of another checkout */
export async function measureReturn(
  clients: number,
  missed: number,
  store: string,
  script = 'server.ts',
): Promise<Return> {
  const server = await ServerProcess.start(script, ['--store', store])
  try {
    const rooms = Math.ceil(clients / MEMBERS)
    const roomOf = (index: number): string => `room-${index % rooms}`
    const positions = await enter(server, clients, roomOf)
    const { rssBytes: steadyBytes } = await server.usage()
    for (const { client } of positions) client.cut()
    await publish(server, rooms, missed)

    let peakBytes = 0
    const sampling = setInterval(async () => {
      peakBytes = Math.max(peakBytes, (await server.usage()).rssBytes)
    }, SAMPLE_MS)
    let heard = 0
    const all = Promise.withResolvers<void>()
    const count = (found: number): void => {
      heard += found
      if (heard >= clients * missed) all.resolve()
    }
    const before = await server.usage()
    const startedAt = performance.now()
    const giveUp = setTimeout(() => all.reject(new Error(`Only ${heard} of ${clients * missed} came`)), GIVE_UP_MS)
    const back = await Promise.all(
      positions.map(async ({ after }, index) => {
        const client = await BareClient.open(server.port, '/ws/bench', EVENT, count)
        client.send({ type: 'room:join', roomId: roomOf(index), after, id: 1 })
        return client
      }),
    )
    await all.promise
    const seconds = (performance.now() - startedAt) / 1_000
    clearTimeout(giveUp)
    clearInterval(sampling)
    const after = await server.usage()
    peakBytes = Math.max(peakBytes, after.rssBytes)
    for (const client of back) client.cut()
    const serverSeconds = (after.mainUs - before.mainUs) / 1e6
    return { seconds, serverSeconds, deliveries: heard, steadyBytes, peakBytes }
  } finally {
    await server.stop()
  }
}

interface Entered {
  readonly client: BareClient
  readonly after: { readonly epoch: string; readonly seq: number }
}

function enter(server: ServerProcess, clients: number, roomOf: (index: number) => string): Promise<Entered[]> {
  return Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      const answer = Promise.withResolvers<Entered['after']>()
      const client = await BareClient.open(server.port, '/ws/bench', '"type":"ack"', (found, chunk) => {
        const [, epoch, seq] = (found > 0 && POSITION.exec(chunk.toString())) || []
        if (epoch !== undefined) answer.resolve({ epoch, seq: Number(seq) })
      })
      client.send({ type: 'room:join', roomId: roomOf(index), id: 1 })
      return { client, after: await answer.promise }
    }),
  )
}

/** The last one is acknowledged, so all of them are stored. */
async function publish(server: ServerProcess, rooms: number, missed: number): Promise<void> {
  const stored = Promise.withResolvers<void>()
  const client = await BareClient.open(server.port, '/ws/bench', '"ack":', (found) => found > 0 && stored.resolve())
  const total = rooms * missed
  for (let i = 0; i < total; i++) {
    const id = i === total - 1 ? { id: 1 } : {}
    client.send({ type: 'pub', roomId: `room-${i % rooms}`, data: { text: 'x'.repeat(100) }, ...id })
  }
  await stored.promise
  client.cut()
}

export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      clients: { type: 'string', default: '5000' },
      missed: { type: 'string', default: '50' },
      store: { type: 'string', default: 'memory' },
    },
  })
  const { clients, missed, store } = values
  const { seconds, serverSeconds, deliveries, steadyBytes, peakBytes } = await measureReturn(
    Number(clients),
    Number(missed),
    store,
  )
  const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(0)} MiB`
  const row = [
    clients,
    whole(deliveries),
    seconds.toFixed(2),
    serverSeconds.toFixed(2),
    mib(steadyBytes),
    mib(peakBytes),
    (peakBytes / steadyBytes).toFixed(2),
  ]
  const head = ['clients', 'events missed', 'seconds', 'server CPU s', 'steady', 'peak', 'ratio']
  return `All reconnect at once, ${missed} events missed each, ${store} (P8: 3 s, ratio 2)\n${table(head, [row])}`
}
