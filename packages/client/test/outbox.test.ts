/** What must arrive: exactly once, in order, whatever happens to the connection; or be refused with a reason. */
import { keyTime } from '@roomful/protocol'
import { describe, expect, it } from 'vitest'
import type { OutboxEntry, OutboxStorage } from '../src/outbox.ts'
import { NO_ANSWER, Refusal } from './support/fake-server.ts'
import { start } from './support/harness.ts'

const durable = { durable: true } as const

function memoryStorage(entries: OutboxEntry[] = []): OutboxStorage & { entries: OutboxEntry[] } {
  return {
    entries,
    load: async () => [...entries],
    put: async (entry) => {
      entries.push(entry)
    },
    remove: async (key) => {
      const index = entries.findIndex((entry) => entry.key === key)
      if (index >= 0) entries.splice(index, 1)
    },
  }
}

describe('[C18] the outbox', () => {
  it('keeps what is said offline and delivers it in order', async () => {
    const { client, server, clock } = await start()
    server.isDown = true
    server.link.drop(1006)
    await clock.settle()
    const room = client.room('lobby')
    const answers = Promise.all(['a', 'b', 'c'].map((content) => room.send(content)))
    await clock.advance(60_000)
    expect(client.outbox).toHaveLength(3)
    server.isDown = false
    await expect(clock.until(answers)).resolves.toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 3 }])
    expect(server.room('lobby').events.map(({ data }) => data)).toMatchObject([
      { content: 'a' },
      { content: 'b' },
      { content: 'c' },
    ])
    expect(client.outbox).toHaveLength(0)
  })

  it('[D2] sends again what was stored but not acknowledged, and it stays one', async () => {
    const { client, server, clock } = await start()
    const room = client.room('lobby')
    const received: unknown[] = []
    room.on('message:new', ({ content }) => received.push(content))
    await room.ready
    const send = server.handlers.get('message:send')
    let losses = 3
    server.handlers.set('message:send', (data, request, link) => {
      const answer = send?.(data, request, link)
      if (losses-- > 0) link.drop(1006)
      return answer
    })
    await expect(clock.until(Promise.all([room.send('one'), room.send('two')]))).resolves.toMatchObject([
      { seq: 1 },
      { seq: 2 },
    ])
    await clock.settle()
    expect(received).toEqual(['one', 'two'])
    expect(server.room('lobby').head).toBe(2)
  })

  it('gives each message a UUIDv7 in server time', async () => {
    const { client, server, clock } = await start({}, (fake) => {
      fake.skewMs = 7_200_000
    })
    await client.room('lobby').send('hi')
    const [{ key = '' } = {}] = server.requested('message:send')
    expect(keyTime(key)).toBe(clock.now() + 7_200_000)
  })

  it('waits as long as the server says when it is limited, and lets nothing overtake', async () => {
    const { client, server, clock } = await start()
    const order: unknown[] = []
    let refusals = 1
    server.handlers.set('say', (_data, { data }) => {
      if (refusals-- > 0) throw new Refusal('RATE_LIMITED', { retryAfter: 3 })
      order.push(data)
      return null
    })
    const all = Promise.all([client.request('say', 1, durable), client.request('say', 2, durable)])
    await clock.advance(2_999)
    expect(order).toEqual([])
    await clock.until(all)
    expect(order).toEqual([1, 2])
    expect(server.requested('say').map(({ data }) => data)).toEqual([1, 1, 2])
  })

  it('tries again when the server cannot store or does not answer, ever less often', async () => {
    const { client, server, clock } = await start()
    const tries: number[] = []
    const began = clock.monotonic()
    server.handlers.set('say', () => {
      tries.push(clock.monotonic() - began)
      if (tries.length === 1) return NO_ANSWER
      if (tries.length < 4) throw new Refusal('UNAVAILABLE')
      return 'stored'
    })
    await expect(clock.until(client.request('say', 1, durable))).resolves.toBe('stored')
    expect(tries).toEqual([0, 5_500, 6_500, 8_500])
  })

  it('gives up at once what will never be accepted, and goes on with the rest', async () => {
    const { client, server } = await start()
    server.handlers.set('say', (_data, { data }) => {
      if (data === 1) throw new Refusal('FORBIDDEN')
      return data
    })
    const [first, second] = await Promise.allSettled([
      client.request('say', 1, durable),
      client.request('say', 2, durable),
    ])
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'FORBIDDEN' } })
    expect(second).toMatchObject({ status: 'fulfilled', value: 2 })
  })
})

describe('the outbox is bounded', () => {
  it('in count', async () => {
    const { client } = await start({ autoConnect: false, outbox: { maxCount: 2 } })
    const kept = [client.request('say', 1, durable), client.request('say', 2, durable)]
    await expect(client.request('say', 3, durable)).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    client.close()
    for (const { status } of await Promise.allSettled(kept)) expect(status).toBe('rejected')
  })

  it('in bytes', async () => {
    const { client, clock } = await start({ autoConnect: false, outbox: { maxBytes: 100 } })
    const first = client.request('echo', 'x'.repeat(90), durable)
    await expect(client.request('echo', 'x'.repeat(10), durable)).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    client.connect()
    await clock.until(first)
    await expect(client.request('echo', 'x'.repeat(10), durable)).resolves.toBe('x'.repeat(10))
  })

  it('in age: what waited longer than repeats are recognised is not sent any more', async () => {
    const { client, server, clock } = await start({}, (fake) => {
      fake.limits = { dedupeWindowMs: 60_000 }
    })
    server.isDown = true
    server.link.drop(1006)
    const old = client.request('echo', 'old', durable)
    old.catch(() => undefined)
    await clock.advance(50_000)
    const young = client.request('echo', 'young', durable)
    await clock.advance(11_000)
    server.isDown = false
    await expect(clock.until(young)).resolves.toBe('young')
    await expect(old).rejects.toMatchObject({ code: 'EXPIRED' })
    expect(server.requested('echo')).toHaveLength(1)
  })

  it('by the caller: a deadline or a signal takes a message out again', async () => {
    const { client, server, clock } = await start({ autoConnect: false })
    const stop = new AbortController()
    const given = [
      client.request('echo', 1, { durable: true, timeoutMs: 1_000 }),
      client.request('echo', 2, { durable: true, signal: stop.signal }),
    ]
    const settled = Promise.allSettled(given)
    stop.abort(new Error('never mind'))
    await clock.advance(1_000)
    const [late, aborted] = await settled
    expect(late).toMatchObject({ reason: { code: 'TIMEOUT' } })
    expect(aborted).toMatchObject({ reason: { message: 'never mind' } })
    client.connect()
    await clock.settle()
    expect(server.requests).toEqual([])
  })
})

describe('[D12] a storage', () => {
  it('holds a message before it is sent, until it is answered', async () => {
    const storage = memoryStorage()
    const { client, server, clock } = await start({ outbox: { storage } })
    const stored: number[] = []
    server.handlers.set('say', () => {
      stored.push(storage.entries.length)
      return null
    })
    await clock.until(client.request('say', 1, durable))
    await clock.settle()
    expect(stored).toEqual([1])
    expect(storage.entries).toEqual([])
  })

  it('gives back what an earlier life left, in order, under the same keys', async () => {
    const storage = memoryStorage()
    const first = await start({ autoConnect: false, outbox: { storage } })
    const left = [1, 2].map((data) => first.client.request('say', data, durable))
    await first.clock.settle()
    first.client.close()
    await Promise.allSettled(left)
    const keys = storage.entries.map(({ key }) => key)
    expect(keys).toHaveLength(2)

    const second = await start({ outbox: { storage } }, (server) => {
      server.handlers.set('say', () => null)
    })
    await second.clock.settle()
    expect(second.server.requested('say')).toMatchObject([
      { data: 1, key: keys[0] },
      { data: 2, key: keys[1] },
    ])
    expect(storage.entries).toEqual([])
  })

  it('that fails is reported; the message goes out all the same', async () => {
    const storage: OutboxStorage = {
      load: async () => {
        throw new Error('no disk')
      },
      put: async () => {
        throw new Error('no disk')
      },
      remove: async () => undefined,
    }
    const { client, clock, errors } = await start({ outbox: { storage } })
    await expect(clock.until(client.request('echo', 1, durable))).resolves.toBe(1)
    expect(errors.map(({ message }) => message)).toEqual(['Error: no disk', 'Error: no disk'])
  })
})
