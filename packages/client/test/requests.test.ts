/** Requests and their answers: timeouts, refusals, giving up, and what a lost connection does to them. */
import { describe, expect, it } from 'vitest'
import { MAX_PENDING } from '../src/requests.ts'
import { NO_ANSWER, Refusal } from './support/fake-server.ts'
import { start } from './support/harness.ts'

describe('[C11] a request', () => {
  it('is answered', async () => {
    const { client, server } = await start()
    await expect(client.request('echo', { a: 1 })).resolves.toEqual({ a: 1 })
    expect(server.requests).toEqual([{ ch: 1, event: 'echo', data: { a: 1 }, id: 1 }])
  })

  it('may carry several arguments, none, and bytes', async () => {
    const { client, server } = await start()
    server.handlers.set('count', (_data, { args }) => args?.length ?? 0)
    await expect(client.call('count', 1, 'two', { three: 3 })).resolves.toBe(3)
    await expect(client.call('count')).resolves.toBe(0)
    server.link.say({ ch: 1, event: 'bytes', data: { $binary: 'AQID' } })
    const received = new Promise((resolve) => client.on('bytes', resolve))
    await expect(received).resolves.toEqual(new Uint8Array([1, 2, 3]))
    await client.call('count', new Uint8Array([1, 2, 3]))
    expect(server.requests.at(-1)).toMatchObject({ data: { $binary: 'AQID' } })
  })

  it('is refused with a code, a sentence and what helps', async () => {
    const { client, server } = await start()
    server.handlers.set('save', () => {
      throw new Refusal('INVALID_MESSAGE', { message: 'title is missing', field: 'title', retryAfter: 2 })
    })
    await expect(client.request('save', {})).rejects.toMatchObject({
      ...{ name: 'RoomfulError', code: 'INVALID_MESSAGE', message: 'title is missing' },
      ...{ field: 'title', retryAfterMs: 2_000 },
    })
  })

  it('times out after 5 s, or after `timeoutMs`', async () => {
    const { client, server, clock } = await start()
    server.handlers.set('slow', () => NO_ANSWER)
    const patient = client.request('slow')
    const hasty = client.request('slow', undefined, { timeoutMs: 100 })
    hasty.catch(() => undefined)
    patient.catch(() => undefined)
    await clock.advance(100)
    await expect(hasty).rejects.toMatchObject({ code: 'TIMEOUT' })
    await clock.advance(4_899)
    expect(await Promise.race([patient, Promise.resolve('pending')])).toBe('pending')
    await clock.advance(1)
    await expect(patient).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  it('can be given up, before and after it is sent', async () => {
    const { client, server } = await start()
    server.handlers.set('slow', () => NO_ANSWER)
    const reason = new Error('not interested any more')
    await expect(client.request('echo', 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(server.requests).toEqual([])
    const stop = new AbortController()
    const request = client.request('slow', undefined, { signal: stop.signal })
    stop.abort(reason)
    await expect(request).rejects.toBe(reason)
  })

  it('over the limit of the server is refused by the client, and affects nothing else', async () => {
    const { client, server } = await start({}, (fake) => {
      fake.limits = { maxMessageBytes: 100 }
    })
    await expect(client.request('echo', 'é'.repeat(49))).resolves.toBe('é'.repeat(49))
    await expect(client.request('echo', 'é'.repeat(50))).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(server.requests).toHaveLength(1)
  })

  it('that JSON cannot hold is the caller’s own mistake', async () => {
    const { client } = await start()
    await expect(client.request('echo', 1n)).rejects.toThrow(TypeError)
  })
})

describe('without a connection, a request', () => {
  it('waits for it, in order', async () => {
    const { client, server, clock } = await start({ autoConnect: false })
    const answers = Promise.all([client.request('echo', 1), client.request('echo', 2)])
    client.emit('hello', 'there')
    client.connect()
    await expect(clock.until(answers)).resolves.toEqual([1, 2])
    expect(server.requests.map(({ event, data }) => [event, data])).toEqual([
      ['echo', 1],
      ['echo', 2],
      ['hello', 'there'],
    ])
  })

  it('is refused when there is none in time, and says where to and that it was not sent', async () => {
    const { client, clock } = await start({ autoConnect: false })
    const request = client.request('echo', 1)
    request.catch(() => undefined)
    await clock.advance(5_000)
    await expect(request).rejects.toMatchObject({
      code: 'NOT_CONNECTED',
      message: expect.stringMatching(/^No connection to http:\/\/\S+ in 5000 ms; nothing was sent$/),
    })
  })

  it(`is refused at once when ${MAX_PENDING} wait already`, async () => {
    const { client } = await start({ autoConnect: false })
    for (let i = 0; i < MAX_PENDING; i++) client.emit('tick', i)
    await expect(client.request('echo', 1)).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    client.close()
  })
})

describe('when the connection is lost, a request under way', () => {
  it('is refused, because the client cannot know whether it was done', async () => {
    const { client, server, clock } = await start()
    server.handlers.set('slow', () => NO_ANSWER)
    const request = client.request('slow')
    request.catch(() => undefined)
    await clock.settle()
    server.link.drop(1006)
    await expect(request).rejects.toMatchObject({ code: 'DISCONNECTED' })
    await clock.advance(1_000)
    expect(server.requested('slow')).toHaveLength(1)
  })

  it('[C11] with a key is sent again, and done exactly once', async () => {
    const { client, server, clock } = await start()
    let done = 0
    server.handlers.set('pay', (_data, _request, link) => {
      done++
      link.drop(1006) // stored, but its answer is lost
      return { receipt: done }
    })
    const answer = client.request('pay', { amount: 5 }, { key: 'order-1' })
    await expect(clock.until(answer)).resolves.toEqual({ receipt: 1 })
    expect(server.requested('pay')).toMatchObject([{ key: 'order-1' }, { key: 'order-1' }])
    expect(done).toBe(1)
  })

  it('with a key still has its deadline', async () => {
    const { client, server, clock } = await start()
    server.handlers.set('slow', () => NO_ANSWER)
    const request = client.request('slow', undefined, { key: 'k' })
    request.catch(() => undefined)
    await clock.settle()
    server.isDown = true
    server.link.drop(1006)
    await clock.advance(5_000)
    await expect(request).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  it('[D9] is not begun while the server drains, but right after', async () => {
    const { client, server, clock } = await start()
    server.link.emit('server:draining', { reconnectAfterMs: 1_000 })
    await clock.settle()
    const answer = client.request('echo', 1)
    await clock.settle()
    expect(server.requests).toEqual([])
    server.link.drop(1012)
    await expect(clock.until(answer)).resolves.toBe(1)
    expect(server.links).toHaveLength(2)
  })
})

describe('an emit', () => {
  it('asks for no answer, and a refusal goes to onError', async () => {
    const { client, server, clock, errors } = await start()
    client.emit('unheard-of', 1, 2)
    await clock.settle()
    expect(server.requests).toEqual([{ ch: 1, event: 'unheard-of', args: [1, 2] }])
    expect(errors).toMatchObject([{ code: 'UNKNOWN_EVENT' }])
  })
})

describe('listeners', () => {
  it('get the data and what is known of the event, or several arguments and that last', async () => {
    const { client, server, clock } = await start()
    const calls: unknown[][] = []
    const off = client.on('tick', (...args: unknown[]) => calls.push(args))
    server.link.say({ ch: 1, event: 'tick', data: 1 }, { ch: 1, event: 'tick', args: [1, 2] }, { ch: 1, event: 'tick' })
    await clock.settle()
    const meta = { event: 'tick' }
    expect(calls).toEqual([
      [1, meta],
      [1, 2, meta],
      [undefined, meta],
    ])
    off()
    off()
    server.link.emit('tick', 2)
    await clock.settle()
    expect(calls).toHaveLength(3)
  })

  it('that throw harm neither the others nor the connection, and are reported', async () => {
    const { client, server, clock, errors } = await start()
    const seen: unknown[] = []
    client.on('tick', () => {
      throw new Error('mistake')
    })
    client.on('tick', (data) => seen.push(data))
    server.link.emit('tick', 1)
    await clock.settle()
    expect(seen).toEqual([1])
    expect(errors).toMatchObject([{ code: 'CALLBACK_FAILED', message: 'mistake' }])
  })
})
