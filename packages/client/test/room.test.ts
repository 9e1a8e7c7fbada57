/** A room lives through reconnects: joined once however many hold it, each event once and in order, or a plain word that some are gone. */
import { describe, expect, it } from 'vitest'
import { NO_ANSWER, Refusal } from './support/fake-server.ts'
import { start } from './support/harness.ts'

describe('joining', () => {
  it('tells where we stand and who is there', async () => {
    const { client, server } = await start({}, (fake) => {
      fake.room('lobby').users.set('bob', 'Bob')
      fake.publish('lobby', 'message:new', { content: 'before our time' })
    })
    const room = client.room('lobby')
    expect(room.getSnapshot()).toMatchObject({ status: 'joining', members: [] })
    await room.ready
    expect(room.position).toEqual({ epoch: 'e1', seq: 1 })
    expect(room.members).toEqual([{ userId: 'bob', name: 'Bob', status: 'online' }])
    expect(server.requested('room:join')).toMatchObject([{ data: { roomId: 'lobby' } }])
  })

  it('waits for the connection', async () => {
    const { client, clock } = await start({ autoConnect: false })
    const room = client.room('lobby')
    expect(room.getSnapshot().status).toBe('waiting')
    client.connect()
    await clock.until(room.ready)
    expect(room.getSnapshot().status).toBe('joined')
  })

  it('that is refused says why, and is tried again by the next connection', async () => {
    const { client, server, clock } = await start()
    const join = server.handlers.get('room:join')
    server.handlers.set('room:join', () => {
      throw new Refusal('ROOM_FULL')
    })
    const room = client.room('lobby')
    await expect(room.ready).rejects.toMatchObject({ code: 'ROOM_FULL' })
    expect(room.getSnapshot()).toMatchObject({ status: 'refused', error: { code: 'ROOM_FULL' } })
    if (join) server.handlers.set('room:join', join)
    server.link.drop(1006)
    await clock.advance(500)
    expect(room.getSnapshot()).toMatchObject({ status: 'joined', error: undefined })
  })

  it('that is refused for the moment is tried again later', async () => {
    const { client, server, clock } = await start()
    const join = server.handlers.get('room:join')
    let refusals = 2
    server.handlers.set('room:join', (...args) => {
      if (refusals-- > 0) throw new Refusal('RATE_LIMITED', { retryAfter: 1 })
      return join?.(...args)
    })
    const room = client.room('lobby')
    await clock.advance(1_999)
    expect(room.getSnapshot().status).toBe('joining')
    await clock.until(room.ready)
    expect(server.requested('room:join')).toHaveLength(3)
  })

  it('resumes where an earlier life of the application stood', async () => {
    const { client, server, clock } = await start({}, (fake) => {
      for (const content of ['a', 'b', 'c']) fake.publish('lobby', 'message:new', { content })
    })
    const room = client.room('lobby', { after: { epoch: 'e1', seq: 1 } })
    const received: unknown[] = []
    room.on('message:new', ({ content }) => received.push(content))
    await clock.settle()
    expect(received).toEqual(['b', 'c'])
    expect(server.requested('room:join')).toMatchObject([{ data: { after: { epoch: 'e1', seq: 1 } } }])
  })
})

describe('[C18] events', () => {
  it('missed while away come once and in order, and the listener was attached once', async () => {
    const { client, server, clock } = await start()
    const room = client.room('lobby')
    const received: unknown[] = []
    room.on('message:new', ({ content, seq }) => received.push([seq, content]))
    await room.ready
    server.publish('lobby', 'message:new', { content: 'live' })
    await clock.settle()
    for (let cut = 1; cut <= 3; cut++) {
      server.link.drop(1006)
      server.publish('lobby', 'message:new', { content: `missed ${cut}` })
      await clock.advance(20_000)
    }
    expect(received).toEqual([
      [1, 'live'],
      [2, 'missed 1'],
      [3, 'missed 2'],
      [4, 'missed 3'],
    ])
    expect(room.position).toEqual({ epoch: 'e1', seq: 4 })
  })

  it('[D1] carry the log’s fields in their data, as for every other client', async () => {
    const { client, server, clock } = await start()
    const room = client.room('lobby')
    const calls: unknown[] = []
    room.on('message:new', (data, meta) => calls.push(data, meta))
    await room.ready
    server.publish('lobby', 'message:new', { content: 'hi' }, 'k1')
    await clock.settle()
    expect(calls).toEqual([
      { content: 'hi', id: 'lobby-1', roomId: 'lobby', seq: 1, ts: 1, key: 'k1' },
      { event: 'message:new', id: 'lobby-1', roomId: 'lobby', seq: 1, n: 1, ts: 1, key: 'k1' },
    ])
  })

  it('reach the client’s own listeners too, once', async () => {
    const { client, server, clock } = await start()
    const received: unknown[] = []
    client.on('message:new', (_data, { seq }) => received.push(seq))
    await client.room('lobby').ready
    const first = server.publish('lobby', 'message:new', { content: 'a' })
    server.link.tell('lobby', first)
    await clock.settle()
    expect(received).toEqual([1])
  })

  it('[C21] sent twice are delivered once', async () => {
    const { client, server, clock } = await start()
    const room = client.room('lobby')
    const received: unknown[] = []
    room.on('message:new', ({ seq }) => received.push(seq))
    await room.ready
    const events = ['a', 'b'].map((content) => server.publish('lobby', 'message:new', { content }))
    for (const event of events) server.link.tell('lobby', event)
    await clock.settle()
    expect(received).toEqual([1, 2])
  })

  it('[C21] with a hole before them wait until it is filled from the log', async () => {
    const { client, server, clock } = await start()
    const room = client.room('lobby')
    const received: unknown[] = []
    room.on('message:new', ({ seq }) => received.push(seq))
    await room.ready
    server.link.rooms.delete('lobby') // the server loses track of us …
    server.publish('lobby', 'message:new', { content: 'a' })
    server.publish('lobby', 'message:new', { content: 'b' })
    server.link.rooms.add('lobby')
    server.publish('lobby', 'message:new', { content: 'c' }) // … and finds it again: 3 comes without 1 and 2
    server.publish('lobby', 'message:new', { content: 'd' })
    await clock.settle()
    expect(received).toEqual([1, 2, 3, 4])
    expect(server.requested('room:join').at(-1)).toMatchObject({ data: { after: { epoch: 'e1', seq: 0 } } })
  })

  it('that the log does not have any more are given up with a word, not waited for', async () => {
    const { client, server, clock } = await start()
    const room = client.room('lobby')
    const received: unknown[] = []
    room.on('message:new', ({ seq }) => received.push(seq))
    room.onReset((reset) => received.push(reset))
    await room.ready
    // A server that insists that nothing is missing.
    server.handlers.set('room:join', () => ({
      ...{ status: 'ok', roomId: 'lobby', epoch: 'e1', seq: 5, recovered: true },
      ...{ users: [], count: 0, pv: 0 },
    }))
    for (const seq of [5, 6, 7, 8]) {
      server.link.tell('lobby', { event: 'message:new', data: {}, seq, key: undefined })
      await clock.settle()
    }
    expect(received).toEqual([{ roomId: 'lobby', reason: 'trimmed', from: 8, to: 8 }, 8])
  })
})

describe('[C18] a gap that cannot be closed', () => {
  for (const reason of ['trimmed', 'epoch'] as const) {
    it(`is reported as ${reason}, before the events that exist`, async () => {
      const { client, server, clock } = await start()
      const room = client.room('lobby')
      const received: unknown[] = []
      room.on('message:new', ({ seq }) => received.push(seq))
      room.onReset(({ reason: why, from, to }) => received.push([why, from, to]))
      await room.ready
      server.link.drop(1006)
      for (const content of ['a', 'b', 'c', 'd']) server.publish('lobby', 'message:new', { content })
      if (reason === 'epoch') server.room('lobby').epoch = 'e2'
      else server.room('lobby').trim(3)
      await clock.advance(500)
      const from = reason === 'epoch' ? 1 : 3
      expect(received).toEqual([[reason, from, 4], ...[1, 2, 3, 4].filter((seq) => seq >= from)])
      expect(room.position?.epoch).toBe(reason === 'epoch' ? 'e2' : 'e1')
    })
  }

  it('may also show in the middle of a stream', async () => {
    const { client, server, clock } = await start()
    const room = client.room('lobby')
    const received: unknown[] = []
    room.on('message:new', ({ seq }) => received.push(seq))
    room.onReset(({ from }) => received.push(`reset to ${from}`))
    await room.ready
    server.publish('lobby', 'message:new', {})
    server.link.emit('reset', { roomId: 'lobby', reason: 'trimmed', from: 7, to: 9 })
    server.link.tell('lobby', { event: 'message:new', data: {}, seq: 7, key: undefined })
    await clock.settle()
    expect(received).toEqual([1, 'reset to 7', 7])
  })

  it('is not of a stay that has not begun: the server let it in, and the answer came too late', async () => {
    const { client, server, clock } = await start()
    server.handlers.set('room:join', () => NO_ANSWER)
    const room = client.room('lobby')
    const received: unknown[] = []
    room.on('message:new', ({ seq }) => received.push(seq))
    room.onReset(({ from }) => received.push(`reset to ${from}`))
    await clock.settle()
    server.link.emit('reset', { roomId: 'lobby', reason: 'trimmed', from: 7, to: 9 })
    server.link.tell('lobby', { event: 'message:new', data: {}, seq: 7, key: undefined })
    await clock.settle()
    expect([received, room.position]).toEqual([[], undefined])
  })

  it('is in a new log where the reset names one: the next join resumes there', async () => {
    const { client, server, clock } = await start()
    const room = client.room('lobby')
    await room.ready
    server.publish('lobby', 'message:new', {})
    server.link.emit('reset', { roomId: 'lobby', reason: 'epoch', from: 1, to: 1, epoch: 'e2' })
    server.link.tell('lobby', { event: 'message:new', data: {}, seq: 1, key: undefined })
    await clock.settle()
    expect(room.position).toEqual({ epoch: 'e2', seq: 1 })
    server.link.drop(1006)
    await clock.advance(500)
    expect(server.requested('room:join').at(-1)).toMatchObject({ data: { after: { epoch: 'e2', seq: 1 } } })
  })
})

describe('holding and releasing', () => {
  it('joins once for all who hold it and leaves when the last lets go', async () => {
    const { client, server, clock } = await start()
    const [first, second] = [client.room('lobby'), client.room('lobby')]
    await second.ready
    first.release()
    first.release()
    await clock.advance(1_000)
    expect(server.requested('room:leave')).toEqual([])
    second.release()
    await clock.advance(1_000)
    expect(server.requested('room:join')).toHaveLength(1)
    expect(server.requested('room:leave')).toMatchObject([{ data: { roomId: 'lobby' } }])
  })

  it('[B21] held again at once, as React’s Strict Mode does, is one join and no leave', async () => {
    const { client, server, clock } = await start()
    client.room('lobby').release()
    const room = client.room('lobby')
    await room.ready
    await clock.advance(1_000)
    expect(server.requested('room:join')).toHaveLength(1)
    expect(server.requested('room:leave')).toEqual([])
  })

  it('[B37] takes the listeners of the one who lets go, and only those', async () => {
    const { client, server, clock } = await start()
    const received: string[] = []
    const [first, second] = [client.room('lobby'), client.room('lobby')]
    first.on('message:new', () => received.push('first'))
    second.on('message:new', () => received.push('second'))
    await first.ready
    first.release()
    first.on('message:new', () => received.push('too late'))
    server.publish('lobby', 'message:new', {})
    await clock.settle()
    expect(received).toEqual(['second'])
  })

  it('[B37] [R7] thousands of holds, reconnects and releases leave no timer and no membership behind', async () => {
    const { client, server, clock } = await start()
    await clock.advance(1_000)
    const before = clock.pendingTimers
    for (let round = 0; round < 100; round++) {
      const rooms = Array.from({ length: 20 }, (_, i) => client.room(`room ${i}`))
      for (const room of rooms) room.on('message:new', () => undefined)
      await clock.settle()
      if (round % 10 === 0) server.link.drop(1006)
      await clock.advance(500)
      for (const room of rooms) room.typing()
      for (const room of rooms) room.release()
      await clock.advance(10_000)
    }
    expect(clock.pendingTimers).toBe(before)
    expect(server.link.rooms.size).toBe(0)
  })

  it('waits, and is refused nothing, when the client is closed; connecting again joins again', async () => {
    const { client, server, clock } = await start({ autoConnect: false })
    const room = client.room('lobby')
    const { ready } = room
    client.close()
    await expect(ready).rejects.toMatchObject({ code: 'CLOSED' })
    expect(room.getSnapshot()).toMatchObject({ status: 'waiting', error: undefined })
    client.connect()
    await clock.until(room.ready)
    client.close()
    await clock.settle()
    expect(room.getSnapshot()).toMatchObject({ status: 'waiting', error: undefined })
    expect(server.requested('room:join')).toHaveLength(1)
  })

  it('forgets a released room: it is not joined again after a reconnect', async () => {
    const { client, server, clock } = await start()
    {
      using room = client.room('lobby')
      await room.ready
    }
    await clock.advance(1_000)
    server.link.drop(1006)
    await clock.advance(500)
    expect(server.requested('room:join')).toHaveLength(1)
  })

  it('[D9] forgets a room that is released while the server drains, also when it still tells of it', async () => {
    const { client, server, clock } = await start()
    {
      using room = client.room('lobby')
      await room.ready
      server.link.emit('server:draining', { reconnectAfterMs: 1_000 })
      await clock.settle()
    }
    await clock.advance(500)
    server.publish('lobby', 'message:new', { userId: 'bob', name: 'Bob', content: 'too late' })
    await clock.settle()
    server.link.drop(1012)
    await clock.advance(2_000)
    expect(client.state).toMatchObject({ status: 'open', recovered: true })
    expect(server.requested('room:join')).toHaveLength(1)
  })
})

describe('[D11] a room that is lost', () => {
  it('says so, with the reason', async () => {
    const { client, server, clock } = await start()
    const room = client.room('staff')
    await room.ready
    server.link.emit('notice', { code: 'FORBIDDEN', message: 'Your role changed', roomId: 'staff' })
    await clock.settle()
    expect(room.getSnapshot()).toMatchObject({
      status: 'refused',
      error: { code: 'FORBIDDEN', message: 'Your role changed' },
    })
  })
})

describe('rooms that only the server put us into', () => {
  it('[B23] an inbox is resumed where we stood, whether or not the session was kept', async () => {
    const { client, server, clock } = await start()
    server.link.rooms.add('user:ann')
    const received: unknown[] = []
    client.on('message:private', ({ content }) => received.push(content))
    server.publish('user:ann', 'message:private', { content: 'one' })
    await clock.settle()
    server.link.drop(1006)
    server.publish('user:ann', 'message:private', { content: 'two' })
    await clock.advance(500)
    expect(server.requested('room:join')).toMatchObject([{ data: { roomId: 'user:ann', after: 1 } }])
    expect(received).toEqual(['one', 'two'])
  })

  it('[B23] [G4] an inbox with new numbers is delivered once, after a reset', async () => {
    const { client, server, clock } = await start()
    const received: unknown[] = []
    client.on('message:private', ({ content }) => received.push(content))
    client.room('user:ann').onReset(({ reason }) => received.push(reason))
    await clock.settle()
    server.publish('user:ann', 'message:private', { content: 'one' })
    await clock.settle()
    const inbox = server.room('user:ann')
    inbox.epoch = 'e2'
    server.link.rooms.clear()
    inbox.events.splice(0)
    for (const content of ['two', 'three']) server.publish('user:ann', 'message:private', { content })
    // The server tells of its own accord what waits there, before it is asked.
    server.onOpening = (_opening, link) => {
      queueMicrotask(() => {
        for (const event of inbox.events.slice(1)) link.tell(inbox.id, event)
      })
      return undefined
    }
    server.link.drop(1006)
    await clock.advance(500)
    expect(received).toEqual(['one', 'epoch', 'two', 'three'])
  })

  it('others only when the server knows our session still', async () => {
    const { client, server, clock } = await start()
    server.link.rooms.add('game:1')
    server.publish('game:1', 'move', { to: 'e4' })
    await clock.settle()
    server.link.drop(1006)
    await clock.advance(500)
    expect(client.state).toMatchObject({ recovered: true })
    expect(server.requested('room:join')).toMatchObject([{ data: { roomId: 'game:1', after: 1 } }])

    client.close()
    client.connect()
    await clock.settle()
    expect(client.state).toMatchObject({ recovered: false })
    expect(server.requested('room:join')).toHaveLength(1)
  })
})

describe('a room can', () => {
  it('send, edit, take back and react, each exactly once', async () => {
    const { client, server } = await start()
    const room = client.room('lobby')
    for (const event of ['message:edit', 'message:redact', 'reaction:send', 'reaction:remove']) {
      server.handlers.set(event, () => ({ status: 'ok' }))
    }
    await expect(room.send('hi', { replyTo: 'lobby-9' })).resolves.toMatchObject({ status: 'ok', seq: 1 })
    await room.edit(1, 'hello')
    await room.redact(1)
    await room.react('👍', 'lobby-1')
    await room.react('👏')
    await room.removeReaction('👍', 'lobby-1')
    const sent = server.requests.filter(({ event }) => event !== 'room:join')
    expect(sent.map(({ event, data, key }) => [event, data, key !== undefined])).toEqual([
      ['message:send', { roomId: 'lobby', content: 'hi', replyTo: 'lobby-9' }, true],
      ['message:edit', { roomId: 'lobby', seq: 1, content: 'hello' }, true],
      ['message:redact', { roomId: 'lobby', seq: 1 }, true],
      ['reaction:send', { roomId: 'lobby', emoji: '👍', messageId: 'lobby-1' }, true],
      ['reaction:send', { roomId: 'lobby', emoji: '👏' }, false],
      ['reaction:remove', { roomId: 'lobby', emoji: '👍', messageId: 'lobby-1' }, true],
    ])
  })

  it('page through its past, in the form in which events arrive', async () => {
    const { client, server, clock } = await start()
    let answers = 0
    server.handlers.set('history:get', (data, _request, link) => {
      if (answers++ === 0) {
        link.drop(1006)
        return NO_ANSWER
      }
      const stored = { roomId: 'lobby', ts: 1 }
      return {
        status: 'ok',
        events: [
          { type: 'message:new', content: 'hi', id: 'lobby-4', seq: 4, ...stored },
          { type: 'score', data: 7, id: 'lobby-5', seq: 5, ...stored },
          { type: 'move', args: ['e2', 'e4'], id: 'lobby-6', seq: 6, ...stored },
        ],
        more: data.before === 7,
      }
    })
    const page = await clock.until(client.room('lobby').history({ before: 7, limit: 3 }))
    expect(page.more).toBe(true)
    expect(page.events.map(({ event, args }) => [event, args])).toEqual([
      ['message:new', [{ content: 'hi', id: 'lobby-4', seq: 4, roomId: 'lobby', ts: 1 }]],
      ['score', [7]],
      ['move', ['e2', 'e4']],
    ])
    expect(page.events[1]?.meta).toEqual({ event: 'score', roomId: 'lobby', seq: 5, ts: 1, id: 'lobby-5' })
  })

  it('be rendered from one value that changes only when something did', async () => {
    const { client, server, clock } = await start()
    const room = client.room('lobby')
    await room.ready
    const before = room.getSnapshot()
    let changes = 0
    const off = room.subscribe(() => changes++)
    server.publish('lobby', 'message:new', { content: 'hi' })
    await clock.settle()
    expect(room.getSnapshot()).toBe(before)
    server.link.emit('user:joined', { roomId: 'lobby', userId: 'bob', name: 'Bob', pv: 1 })
    await clock.settle()
    expect(room.getSnapshot()).not.toBe(before)
    expect(changes).toBe(1)
    off()
  })
})
