/** An acknowledged message survives `kill -9`: it is there after the restart, once, in order. G2, G3, D2. */
import { expect, it } from 'vitest'
import { type Client, user } from './lib/client.ts'
import type { Frame } from './lib/match.ts'
import { Publisher } from './lib/publisher.ts'
import { Server, UNLIMITED } from './lib/server.ts'

const ROUNDS = 3
const PUBLISHERS = 6

/** The whole log of a room, page by page. */
async function logOf(client: Client, roomId: string): Promise<Frame[]> {
  const all: Frame[] = []
  for (let after = 0; ; ) {
    const { events, more } = await client.ok('history:get', { roomId, after, limit: 100 })
    all.push(...(events as Frame[]))
    if (!more) return all
    after = all.at(-1)?.seq as number
  }
}

it('[A2.4] kill -9 while publishing loses nothing acknowledged, doubles nothing, keeps the order', {
  timeout: 90_000,
}, async () => {
  let server = await Server.start({ env: UNLIMITED })
  const { data, port } = server
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const roomId = `killed-${round}`
      const listener = await user(server, 'listener')
      const { epoch } = await listener.ok('room:join', { roomId })
      const publishers = Array.from({ length: PUBLISHERS }, (_, i) => new Publisher(`pub-${round}-${i}`, roomId))
      await Promise.all(publishers.map((publisher) => publisher.connect(server)))

      const victim = server
      const killAfter = 200 + round * 137
      let acks = 0
      const running = publishers.map((publisher) =>
        publisher.run(100_000, 20, () => {
          if (++acks === killAfter) victim.signal('SIGKILL')
        }),
      )
      await Promise.all(running)
      await server.exited
      const heard = listener.received.filter((frame) => frame.roomId === roomId && typeof frame.seq === 'number')
      server = await Server.start({ data, port, env: UNLIMITED })

      // What subscribers heard and what publishers were told is in the log at that very number.
      const reader = await user(server, 'reader')
      expect(await reader.ok('room:join', { roomId, after: { epoch, seq: heard.at(-1)?.seq ?? 0 } })).toMatchObject({
        epoch,
      })
      const log = await logOf(reader, roomId)
      expect(log.map((event) => event.seq)).toEqual(log.map((_event, i) => i + 1))
      const acked = publishers.flatMap((publisher) => publisher.published.filter((one) => one.seq !== undefined))
      expect(acked.length).toBeGreaterThanOrEqual(killAfter)
      for (const one of acked)
        expect(log[(one.seq as number) - 1]).toMatchObject({ content: one.content, key: one.key })
      for (const event of heard)
        expect(log[(event.seq as number) - 1]).toMatchObject({ content: event.content, id: event.id })

      // A retry of the rest completes the log without doubling any.
      for (const publisher of publishers) {
        await publisher.connect(server)
        await publisher.retry()
      }
      const whole = await logOf(reader, roomId)
      const wanted = publishers.flatMap((publisher) => publisher.published.map((one) => one.key))
      expect(whole.map((event) => event.key as string).sort()).toEqual(wanted.sort())
      for (const publisher of publishers) {
        const own = whole.filter((event) => event.userId === publisher.name)
        expect(own.map((event) => event.content)).toEqual(publisher.published.map((one) => one.content))
      }
    }
  } finally {
    await server.dispose()
  }
})

it('[A2.4] SIGTERM while publishing: what was acknowledged is stored, and the exit code is 0', {
  timeout: 60_000,
}, async () => {
  let server = await Server.start({ env: { ...UNLIMITED, ROOMFUL_DRAIN_MS: '500' } })
  const { data, port } = server
  try {
    const publishers = Array.from({ length: PUBLISHERS }, (_, i) => new Publisher(`term-${i}`, 'terminated'))
    await Promise.all(publishers.map((publisher) => publisher.connect(server)))
    let acks = 0
    const victim = server
    await Promise.all(
      publishers.map((publisher) =>
        publisher.run(100_000, 20, () => {
          if (++acks === 300) victim.signal('SIGTERM')
        }),
      ),
    )
    expect((await server.exited).code).toBe(0)
    server = await Server.start({ data, port, env: UNLIMITED })
    const reader = await user(server, 'reader')
    const log = await logOf(reader, 'terminated')
    for (const publisher of publishers) {
      for (const one of publisher.published) {
        if (one.seq !== undefined) expect(log[one.seq - 1]).toMatchObject({ key: one.key, content: one.content })
      }
    }
  } finally {
    await server.dispose()
  }
})
