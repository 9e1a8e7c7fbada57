/** Thousands of connects and disconnects of every kind leave nothing behind. A1.6, B37. */
import { expect, it } from 'vitest'
import { dial, guest, user } from './lib/client.ts'
import { openRaw } from './lib/raw.ts'
import { SMALL_HEAP, UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'

const CYCLES = 10_000
const BATCH = 40
const MAX_GROWTH_BYTES = 12 * 1024 * 1024

const server = useServer({ env: UNLIMITED, nodeArgs: SMALL_HEAP })

/** One life of one of six kinds. */
async function live(i: number): Promise<void> {
  const room = `churn-${i % 7}`
  switch (i % 6) {
    case 0: {
      const client = await guest(server, `c${i}`)
      client.send({ type: 'join', room })
      await client.next('joined')
      await client.close()
      return
    }
    case 1: {
      const client = await user(server, `churner-${i % 50}`)
      await client.ok('room:join', { roomId: room })
      await client.terminate()
      return
    }
    case 2: {
      const raw = await openRaw(server.port, `/ws?token=${token({ sub: `churner-${i % 50}` })}`)
      raw.sendText({ type: 'room:join', roomId: room })
      await raw.nextJson('room:joined')
      raw.socket.resetAndDestroy()
      await raw.ended
      return
    }
    case 3: {
      await dial(server, '/ws?token=bad').closed
      return
    }
    case 4: {
      const client = await user(server, `churner-${i % 50}`)
      client.send({ type: 'typing:start', roomId: room })
      client.sendRaw('not json')
      await client.next('error')
      await client.terminate()
      return
    }
    default: {
      const client = dial(server, '/ws')
      await client.next('welcome')
      client.send({ type: 'nonsense' })
      await client.closed
    }
  }
}

it('[R7] [A1.6] [B37] many lives of every kind leave no member, no link, no listener and no memory behind', {
  timeout: 180_000,
}, async () => {
  const rss: number[] = []
  for (let from = 0; from < CYCLES; from += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, (_, i) => live(from + i)))
    rss.push(server.rssBytes)
  }
  await server.untilClients(0)
  const watcher = await user(server, 'afterwards')
  const { rooms } = (await watcher.ok('room:list')) as { rooms: unknown[] }
  expect(rooms).toEqual([])
  for (let i = 0; i < 7; i++)
    expect(await watcher.ok('presence:get', { roomId: `churn-${i}` })).toMatchObject({ count: 0, users: [] })
  expect(await watcher.next('users:count')).toMatchObject({ count: 1, connections: 1 })
  expect(server.output).not.toMatch(/MaxListenersExceeded/)
  // Once heap and caches have found their size, nothing grows any more.
  const half = Math.floor(rss.length / 2)
  const growth = Math.max(...rss.slice(half)) - Math.max(...rss.slice(0, half))
  expect(growth, `from ${rss[0]} over ${rss[half]} to ${rss.at(-1)} bytes`).toBeLessThan(MAX_GROWTH_BYTES)
})
