/** The SDK and the server's real core: what either promises has to hold for both together. The simulator does it with everything that can go wrong. */
import { RoomfulError } from '@roomful/client'
import type { TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { createServer, join } from './support/real-core.ts'

describe('with the real core', () => {
  it('people meet in a room, see who is there and hear each other', async () => {
    await using server = await createServer()
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const received: unknown[] = []
    const room = ann.client.room('lobby')
    room.on('message:new', ({ name, content, seq }) => received.push([seq, name, content]))
    await clock.until(room.ready)
    const other = bob.client.room('lobby')
    await clock.until(other.ready)
    await clock.advance(10)
    expect(room.members.map(({ userId }) => userId).sort()).toEqual(['ann', 'bob'])
    expect(other.members.map(({ userId }) => userId).sort()).toEqual(['ann', 'bob'])
    await expect(clock.until(other.send('hi'))).resolves.toMatchObject({ status: 'ok', seq: 1, id: 'lobby-1' })
    other.typing()
    await clock.advance(10)
    expect(room.getSnapshot().typists).toEqual([{ userId: 'bob', name: 'bob' }])
    expect(received).toEqual([[1, 'bob', 'hi']])
    const { events, more } = await clock.until(room.history({ limit: 10 }))
    expect([events.map(({ args }) => args[0]), more]).toMatchObject([[{ content: 'hi', seq: 1, userId: 'bob' }], false])
    other.release()
    await clock.advance(1_000)
    expect(room.members.map(({ userId }) => userId)).toEqual(['ann'])
    expect([...ann.errors, ...bob.errors]).toEqual([])
  })

  it('[C9] the server asks, and gets the answer, the refusal, or an error without a listener', async () => {
    await using server = await createServer()
    const { clock } = server
    const ann = join(server, 'ann')
    await clock.advance(10)
    const ask = async (event: string, ...args: unknown[]): Promise<unknown> => {
      const [connection] = server.get('/').connections.values()
      const answer = connection?.call(event, ...args).catch(({ code, message }: RoomfulError) => ({ code, message }))
      return clock.until(answer as Promise<unknown>)
    }
    const off = ann.client.onRequest('add', (a, b) => Number(a) + Number(b))
    expect(() => ann.client.onRequest('add', () => 0)).toThrow('add is answered already')
    ann.client.onRequest('confirm', async (data) => {
      if (data === 'no') throw new RoomfulError('REFUSED', 'Not today')
      if (data === 'fail') throw new TypeError('a secret of the client')
      return new Uint8Array([1])
    })
    expect(await ask('add', 1, 2)).toBe(3)
    expect(await ask('confirm', 'yes')).toEqual(new Uint8Array([1]))
    expect(await ask('confirm', 'no')).toEqual({ code: 'REFUSED', message: 'Not today' })
    expect(await ask('confirm', 'fail')).toEqual({ code: 'INTERNAL', message: 'This client failed to answer' })
    expect(ann.errors).toMatchObject([{ code: 'CALLBACK_FAILED', message: 'a secret of the client' }])
    off()
    off()
    expect(await ask('add', 1, 2)).toMatchObject({ code: 'UNKNOWN_EVENT' })
  })

  it('[C9] an answer that comes after a reconnect is dropped', async () => {
    await using server = await createServer()
    const { clock } = server
    const { client, network } = join(server, 'ann')
    await clock.advance(10)
    const answers: ((answer: string) => void)[] = []
    client.onRequest('confirm', () => new Promise<string>((resolve) => answers.push(resolve)))
    const ask = () => [...server.get('/').connections.values()][0]?.request('confirm')
    const first = ask()
    first?.catch(() => undefined)
    await clock.advance(10)
    network.cut()
    await clock.advance(10)
    await expect(first).rejects.toMatchObject({ code: 'DISCONNECTED' })
    await clock.advance(2_000)
    const second = ask()
    await clock.advance(10)
    answers[0]?.('the first one')
    answers[1]?.('the second one')
    expect(await clock.until(second as Promise<unknown>)).toBe('the second one')
  })

  it('[C18] a cut is survived without a flicker: same session, exactly what was missed', async () => {
    await using server = await createServer()
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const room = ann.client.room('lobby')
    const other = bob.client.room('lobby')
    const received: unknown[] = []
    room.on('message:new', ({ content }) => received.push(content))
    const flickers: unknown[] = []
    other.on('user:left', (data) => flickers.push(data))
    await clock.until(Promise.all([room.ready, other.ready]))
    await clock.until(other.send('1'))
    ann.network.cut()
    await clock.until(other.send('2'))
    await clock.until(other.send('3'))
    await clock.advance(5_000)
    await clock.until(other.send('4'))
    await clock.advance(100)
    expect(received).toEqual(['1', '2', '3', '4'])
    expect(ann.client.state).toMatchObject({ status: 'open', recovered: true })
    expect(flickers).toEqual([])
  })

  it('[C18] too long a gap is reported, and then come the latest events', async () => {
    await using server = await createServer({ settings: { replayMax: 5 } })
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const room = ann.client.room('lobby')
    const received: unknown[] = []
    room.on('message:new', ({ seq }) => received.push(seq))
    room.onReset(({ reason, from, to }) => received.push({ reason, from, to }))
    await clock.until(room.ready)
    ann.network.cut()
    const other = bob.client.room('lobby')
    await clock.until(Promise.all(Array.from({ length: 8 }, (_, i) => other.send(`${i}`))))
    await clock.advance(2_000)
    expect(received).toEqual([{ reason: 'too_far', from: 4, to: 8 }, 4, 5, 6, 7, 8])
  })

  it('[M10] a message taken back while the client was away is reported as redacted, not delivered', async () => {
    await using server = await createServer()
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const room = ann.client.room('lobby')
    const other = bob.client.room('lobby')
    const received: unknown[] = []
    room.on('message:new', ({ content }) => received.push(content))
    ann.client.on('message:new', ({ content }) => received.push(`of the namespace: ${content}`))
    room.on('message:redacted', ({ target }) => received.push({ target }))
    room.onRedacted(({ event, seq, id }) => received.push({ event, seq, id }))
    await clock.until(Promise.all([room.ready, other.ready]))
    ann.network.cut()
    const [{ seq }] = await clock.until(Promise.all([other.send('oh'), other.send('well')]))
    await clock.until(other.redact(seq))
    await clock.advance(5_000)
    expect(received).toEqual([
      { event: 'message:new', seq: 1, id: 'lobby-1' },
      ...['well', 'of the namespace: well'],
      { target: 1 },
    ])
    expect([room.position?.seq, ann.client.state]).toMatchObject([3, { recovered: true }])
    const { events } = await clock.until(room.history())
    expect(events.map(({ meta }) => meta.redacted)).toEqual([true, undefined, undefined])
  })

  it('[D11] a token that ends is replaced on the open connection', async () => {
    await using server = await createServer()
    const { clock } = server
    const { client, network } = join(server, 'ann', { token: () => server.token('ann', { expiresInMs: 60_000 }) })
    await clock.advance(300_000)
    expect(client.state).toMatchObject({ status: 'open', connectionId: expect.any(String) })
    expect(network.opened).toBe(1)
  })

  it('a token that the server refuses is replaced once, then again, then it is over', async () => {
    await using server = await createServer()
    const { clock } = server
    const { client } = join(server, 'ann', { token: () => 'rubbish' })
    await clock.advance(60_000)
    expect(client.state).toMatchObject({ status: 'closed', ending: { code: 4001, error: { code: 'TOKEN_INVALID' } } })
  })

  it('[B23] a private message reaches an inbox once, however often its owner is cut off', async () => {
    await using server = await createServer()
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const received: unknown[] = []
    ann.client.on('message:private', ({ content }) => received.push(content))
    await clock.advance(10)
    const say = (content: string) =>
      clock.until(bob.client.request('message:private', { to: 'ann', content }, { durable: true }))
    for (let i = 1; i <= 5; i++) {
      await say(`live ${i}`) // may be cut off on its way, too
      ann.network.cut()
      await say(`lost ${i}`)
      await clock.advance(3_000)
    }
    expect(received).toEqual([1, 2, 3, 4, 5].flatMap((i) => [`live ${i}`, `lost ${i}`]))
  })

  it('[G3] a guest’s message whose answer is lost is stored once', async () => {
    await using server = await createServer()
    const { clock } = server
    const { client, network } = join(server, '', { namespace: '/public', name: 'Gast', token: () => undefined })
    const room = client.room('lobby')
    await clock.until(room.ready)
    const { user } = client.state as { user?: unknown }
    for (let i = 1; i <= 5; i++) {
      const sent = room.send(`${i}`)
      await clock.advance(1) // it arrives, its answer is under way
      network.cut()
      await clock.until(sent)
    }
    const { events } = await clock.until(room.history())
    expect(events.map(({ args }) => (args[0] as { content: string }).content)).toEqual(['1', '2', '3', '4', '5'])
    expect(client.state).toMatchObject({ recovered: true, user })
  })

  it('[C18] a link that swallows everything is noticed, and nothing is lost', async () => {
    await using server = await createServer()
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const [room, other] = [ann.client.room('lobby'), bob.client.room('lobby')]
    const received: unknown[] = []
    other.on('message:new', ({ content }) => received.push(content))
    await clock.until(Promise.all([room.ready, other.ready]))
    ann.network.blackHole()
    const sent = room.send('through the hole')
    await expect(clock.until(sent, 120_000)).resolves.toMatchObject({ seq: 1 })
    await clock.advance(100)
    expect(received).toEqual(['through the hole'])
  })

  it('[D9] a drain sends everyone away for the announced time', async () => {
    await using server = await createServer()
    const { clock } = server
    const { client } = join(server, 'ann')
    await clock.advance(10)
    const states: string[] = []
    client.subscribe(() => states.push(client.state.status))
    const drained = server.hub.drain()
    await clock.advance(20)
    await drained
    expect(states).toEqual(['draining', 'waiting'])
  })

  it('[D2] events of a room that is being left are dropped, and do not bring us back into it', async () => {
    await using server = await createServer()
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const [room, other] = [ann.client.room('lobby'), bob.client.room('lobby')]
    await clock.until(Promise.all([room.ready, other.ready]))
    room.release()
    await clock.advance(99) // it lingers for 100 ms, so the two meet on their way
    await clock.until(other.send('on its way'))
    ann.network.cut()
    await clock.advance(5_000)
    expect(ann.client.state).toMatchObject({ status: 'open', recovered: true })
    expect((await server.get('/').roomUsers('lobby')).map(({ userId }) => userId)).toEqual(['bob'])
  })

  it('[D2] a room that is entered again while it is being left tells nothing of the earlier stay', async () => {
    await using server = await createServer()
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const [room, other] = [ann.client.room('lobby'), bob.client.room('lobby')]
    await clock.until(Promise.all([room.ready, other.ready]))
    room.release()
    await clock.advance(99)
    const sent = other.send('sent to the stay that ends')
    await clock.advance(1)
    const again = ann.client.room('lobby')
    const received: unknown[] = []
    again.on('message:new', ({ seq }) => received.push([seq, again.getSnapshot().status]))
    await clock.until(Promise.all([again.ready, sent, other.send('sent to the new one')]))
    await clock.advance(10)
    expect(received).toEqual([[2, 'joined']])
    expect(again.position?.seq).toBe(2)
  })
})

describe('[M15] a room that the server chose', () => {
  const chosen = (): Promise<TestServer> =>
    createServer({
      setUp: (kit) => {
        const namespace = kit.namespace('/')
        kit.chat(namespace)
        namespace.use(async (context) => {
          if (context.event === undefined) await context.join('news')
        })
      },
    })

  it('is joined without asking, follows its events, and stays when it is let go', async () => {
    await using server = await chosen()
    const { clock } = server
    const namespace = server.get('/')
    const { client } = join(server, 'ann')
    await clock.advance(50)
    const asked = server.observed('request').length
    const room = client.room('news')
    const received: unknown[] = []
    room.on('said', (data) => received.push((data as { number: number }).number))
    await clock.until(room.ready)
    expect(room.members).toMatchObject([{ userId: 'ann' }])
    await clock.until(namespace.publish('news', 'said', [{ number: 1 }]))
    await clock.advance(10)
    expect(received).toEqual([1])
    room.release()
    await clock.advance(1_000)
    expect(namespace.hasUser('news', 'ann')).toBe(true)
    expect(server.observed('request')).toHaveLength(asked)
  })

  it('goes on from where the client stood after a cut, with each event once', async () => {
    await using server = await chosen()
    const { clock } = server
    const namespace = server.get('/')
    const ann = join(server, 'ann')
    await clock.advance(50)
    const room = ann.client.room('news')
    const received: unknown[] = []
    room.on('said', (data) => received.push((data as { number: number }).number))
    await clock.until(namespace.publish('news', 'said', [{ number: 1 }]))
    await clock.advance(10)
    ann.network.cut()
    await clock.until(namespace.publish('news', 'said', [{ number: 2 }]))
    await clock.until(namespace.publish('news', 'said', [{ number: 3 }]))
    ann.network.heal()
    await clock.advance(5_000)
    await clock.until(namespace.publish('news', 'said', [{ number: 4 }]))
    await clock.advance(10)
    expect(received).toEqual([1, 2, 3, 4])
    expect(ann.errors).toEqual([])
  })

  it('from outside: room objects learn that they are in, that they were taken out, and are not asked back', async () => {
    await using server = await createServer()
    const { clock } = server
    const namespace = server.get('/')
    const ann = join(server, 'ann')
    await clock.advance(50)
    const moves: unknown[] = []
    ann.client.on('room:joined', ({ roomId }) => moves.push(['in', roomId]))
    ann.client.on('room:left', ({ roomId, reason }) => moves.push(['out', roomId, reason]))
    expect(await clock.until(namespace.join('ann', 'game'))).toBe(1)
    await clock.advance(10)
    const room = ann.client.room('game')
    expect(room.getSnapshot().status).toBe('joined')
    expect(await clock.until(namespace.leave('ann', 'game', 'the game is over'))).toBe(1)
    await clock.advance(10)
    const { status, error } = room.getSnapshot()
    expect([status, error?.code, error?.message]).toEqual(['refused', 'REMOVED', 'the game is over'])
    expect(moves).toEqual([
      ['in', 'game'],
      ['out', 'game', 'the game is over'],
    ])
    ann.network.cut()
    ann.network.heal()
    await clock.advance(10_000)
    expect(ann.client.state.status).toBe('open')
    expect([namespace.hasUser('game', 'ann'), room.getSnapshot().status]).toEqual([false, 'refused'])
    expect(await clock.until(namespace.join('ann', 'game'))).toBe(1)
    await clock.advance(10)
    expect(room.getSnapshot()).toMatchObject({ status: 'joined', count: 1, error: undefined })
  })

  it('from outside, and cut: a session that is recovered is in it again, with what was missed', async () => {
    await using server = await createServer()
    const { clock } = server
    const namespace = server.get('/')
    const ann = join(server, 'ann')
    await clock.advance(50)
    const received: unknown[] = []
    ann.client.on('said', (data) => received.push((data as { number: number }).number))
    await clock.until(namespace.join('ann', 'game'))
    await clock.advance(10)
    ann.network.cut()
    await clock.until(namespace.publish('game', 'said', [{ number: 1 }]))
    ann.network.heal()
    await clock.advance(5_000)
    expect(received).toEqual([1])
    expect(namespace.hasUser('game', 'ann')).toBe(true)
  })

  it('a room held before is left by its last holder, whatever the server did meanwhile', async () => {
    await using server = await createServer()
    const { clock } = server
    const namespace = server.get('/')
    const ann = join(server, 'ann')
    const room = ann.client.room('game')
    await clock.until(room.ready)
    expect(await clock.until(namespace.join('ann', 'game'))).toBe(1) // is in it already
    room.release()
    await clock.advance(1_000)
    expect(namespace.hasUser('game', 'ann')).toBe(false)
  })
})
