/** SDK clients that publish and listen through a faulty network while the server is killed, restarted and cut off. R1, D2, C18. */
import { type Client, connect } from '@roomful/client'
import { expect, it } from 'vitest'
import { CuttableProxy } from './lib/proxy.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { until } from './lib/wait.ts'

const ROOM = 'faults'
const PUBLISHERS = 4
const SUBSCRIBERS = 3
/** Messages that have to go through between two faults. */
const CALM = 60
const BLACKHOLE_MS = 3000

const ENV = {
  ...UNLIMITED,
  ROOMFUL_PING_INTERVAL_MS: '1000',
  ROOMFUL_PONG_TIMEOUT_MS: '500',
  ROOMFUL_DRAIN_MS: '500',
  // Publishing never pauses, so who comes back late has missed much; here that must not be a reason to say so.
  ROOMFUL_REPLAY_MAX: '100000',
  ROOMFUL_RETENTION: '1000000',
}

it('[C18] [C21] kills, restarts, cuts and black holes: nothing acknowledged is lost, nothing comes twice, all agree on the order', {
  timeout: 120_000,
}, async () => {
  let server = await Server.start({ env: ENV })
  const { data, port } = server
  const proxy = await CuttableProxy.open(port)
  const clients: Client[] = []
  const arrive = (sub: string): Client => {
    const client = connect(`http://127.0.0.1:${proxy.port}`, { token: token({ sub }) })
    clients.push(client)
    return client
  }

  const heard: { seq: number; content: string }[][] = []
  const resets: unknown[] = []
  for (let i = 0; i < SUBSCRIBERS; i++) {
    const room = arrive(`subscriber-${i}`).room(ROOM)
    const own: { seq: number; content: string }[] = []
    heard.push(own)
    room.on('message:new', (message, meta) => own.push({ seq: meta.seq as number, content: message.content }))
    room.onReset((reset) => resets.push(reset))
    await room.ready
  }

  const acked = new Map<string, number>()
  let isOver = false
  const publishing = Array.from({ length: PUBLISHERS }, async (_, i) => {
    const room = arrive(`publisher-${i}`).room(ROOM)
    for (let n = 0; !isOver; n++) {
      const content = `${i}:${n}`
      const { seq } = await room.send(content)
      acked.set(content, seq)
    }
  })
  const calm = async (what: string): Promise<void> => {
    const goal = acked.size + CALM
    await until(() => acked.size >= goal, { timeoutMs: 30_000, what: `publishing after ${what}` })
  }

  try {
    await calm('the start')
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
      server.signal(signal)
      await server.exited
      server = await Server.start({ data, port, env: ENV })
      await calm(signal)
    }
    proxy.cut()
    proxy.mend()
    await calm('a cut')
    proxy.freeze()
    const since = performance.now()
    await until(() => performance.now() - since > BLACKHOLE_MS, { timeoutMs: 2 * BLACKHOLE_MS })
    proxy.thaw()
    await calm('a black hole')
    isOver = true
    await Promise.all(publishing)

    const last = Math.max(...acked.values())
    for (const own of heard)
      await until(() => own.at(-1)?.seq === last, { timeoutMs: 20_000, what: 'the last message' })
    expect(resets).toEqual([])
    for (const own of heard) {
      expect(own).toEqual(heard[0])
      expect(own.map((message) => message.seq)).toEqual(own.map((_message, i) => i + 1))
      expect(new Set(own.map((message) => message.content)).size).toBe(own.length)
    }
    for (const [content, seq] of acked) expect(heard[0]?.[seq - 1]).toEqual({ seq, content })
    for (let i = 0; i < PUBLISHERS; i++) {
      const own = heard[0]?.filter((message) => message.content.startsWith(`${i}:`)).map((message) => message.content)
      expect(own).toEqual(own?.map((_content, n) => `${i}:${n}`))
    }
  } finally {
    isOver = true
    for (const client of clients) client.close()
    await Promise.allSettled(publishing)
    await proxy.close()
    await server.dispose()
  }
})
