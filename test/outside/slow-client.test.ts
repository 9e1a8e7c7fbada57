/** A client that never reads while 150 MB go through its room: others undisturbed, memory bounded, nothing lost. R3, G5, D4. */
import { expect, it } from 'vitest'
import { type Client, user } from './lib/client.ts'
import { SMALL_HEAP, UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'

const EVENTS = 3000
const WARM_EVENTS = 600
const BYTES = 50_000
const MAX_GROWTH_BYTES = 32 * 1024 * 1024

const server = useServer({ env: UNLIMITED, nodeArgs: SMALL_HEAP })

/** Publishes messages, 8 in flight, and returns the server's peak of memory. */
async function publish(sender: Client, roomId: string, count: number): Promise<number> {
  let peak = 0
  const content = 'x'.repeat(BYTES)
  for (let i = 0; i < count; i += 8) {
    await Promise.all(
      Array.from({ length: 8 }, (_, j) => sender.ok('chat:message', { roomId, content: `${i + j} ${content}` })),
    )
    peak = Math.max(peak, server.rssBytes)
  }
  return peak
}

const seqsOf = (client: Client): number[] =>
  client.received.flatMap((frame) => (frame.type === 'chat:message' ? [frame.seq as number] : []))
const ALL = Array.from({ length: EVENTS }, (_, i) => i + 1)

it('[R3] [C22] 150 MB to a client that does not read: bounded memory, nobody waits, and it catches up without a hole', {
  timeout: 120_000,
}, async () => {
  const sender = await user(server, 'sender')
  const warmReader = await user(server, 'warm-reader')
  let before = 0 // what this load costs when everybody reads, once heap and caches have found their size
  for (const roomId of ['warm-1', 'warm-2', 'warm-3', 'warm-4']) {
    await warmReader.ok('room:join', { roomId })
    before = Math.max(before, await publish(sender, roomId, WARM_EVENTS))
  }
  await warmReader.close()

  const [slow, quick] = [await user(server, 'slow'), await user(server, 'quick')]
  for (const client of [slow, quick]) await client.ok('room:join', { roomId: 'flood' })
  slow.socket.pause()
  const peak = await publish(sender, 'flood', EVENTS)
  await quick.next({ seq: EVENTS })
  expect(seqsOf(quick)).toEqual(ALL)
  expect(peak - before).toBeLessThan(MAX_GROWTH_BYTES)

  slow.socket.resume()
  await slow.next({ seq: EVENTS }, 30_000)
  expect(seqsOf(slow)).toEqual(ALL)
  await slow.ok('chat:message', { roomId: 'flood', content: 'caught up' })
  await quick.next({ content: 'caught up' })
})

it('[A3.5] without a drained byte for 30 s it is closed 4008, and resumes where it was', {
  timeout: 90_000,
}, async () => {
  const [sender, slow] = [await user(server, 'sender-2'), await user(server, 'slow-2')]
  const { epoch } = await slow.ok('room:join', { roomId: 'stuck' })
  await sender.ok('room:join', { roomId: 'stuck' })
  slow.socket.pause()
  await publish(sender, 'stuck', WARM_EVENTS)
  await sender.next({ type: 'user:left', userId: 'slow-2' }, 60_000)
  slow.socket.resume()
  const closed = await slow.closed
  expect([4008, 1006]).toContain(closed.code)
  const got = seqsOf(slow)
  expect(got).toEqual(ALL.slice(0, got.length))
  const back = await user(server, 'slow-2')
  expect(await back.ok('room:join', { roomId: 'stuck', after: { epoch, seq: got.length } })).toMatchObject({
    recovered: true,
  })
  await back.next({ seq: WARM_EVENTS }, 20_000)
  expect(seqsOf(back)).toEqual(ALL.slice(got.length, WARM_EVENTS))
})

it('[A3.5] 1 MiB of what is in no log is too much to wait for: 4008 Too slow, told to the others', async () => {
  const roomId = 'r'.repeat(128) // long names make large events
  const [typist, watcher, slow] = [
    await user(server, 't'.repeat(128)),
    await user(server, 'w'),
    await user(server, 'slow-3'),
  ]
  for (const client of [watcher, slow]) await client.ok('room:join', { roomId })
  slow.socket.pause()
  const hasLeft = (): boolean => watcher.unread({ type: 'user:left', userId: 'slow-3' }).length > 0
  for (let round = 0; round < 1000 && !hasLeft(); round++) {
    for (let i = 0; i < 100; i++) typist.send({ type: i % 2 ? 'typing:stop' : 'typing:start', roomId })
    await typist.settled()
    await watcher.settled()
  }
  expect(hasLeft()).toBe(true)
  slow.socket.resume()
  expect(await slow.closed).toEqual({ code: 4008, reason: 'Too slow' })
})
