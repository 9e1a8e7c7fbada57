/** What gathering writes must not change: order, time of encoding, losses that are asked for, ends. */
import { once as onceEvent } from 'node:events'
import { type Socket as ClientSocket, io as connect } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import type { Socket } from '../src/index.ts'
import { client, collect, connected, open, until } from './lib/harness.ts'

describe('what a socket is sent', () => {
  it('comes in the order of the calls, acknowledgements and broadcasts among it', async () => {
    const { io, url } = open()
    io.on('connection', (socket) => {
      socket.join('room')
      socket.emit('greeting')
      socket.on('ask', (answer) => {
        socket.emit('a')
        answer()
        socket.emit('b')
        io.to('room').emit('c')
        io.emit('d')
      })
    })
    const ann = client(url)
    const seen = collect(ann)
    await connected(ann)
    ann.emit('ask', () => seen.push(['answer']))
    await until(() => seen.length === 6)
    expect(seen.map(([name]) => name)).toEqual(['greeting', 'a', 'answer', 'b', 'c', 'd'])
  })

  it('is encoded at the call: later changes of an object, or of bytes, do not show', async () => {
    const { io, url } = open()
    io.on('connection', (socket) => {
      const value = { n: 1 }
      const bytes = Buffer.from([1])
      socket.emit('x', value, bytes)
      io.emit('x', value, bytes)
      value.n = 2
      bytes[0] = 2
    })
    const ann = client(url)
    const seen = collect(ann)
    await until(() => seen.length === 2)
    for (const each of seen) expect(each).toEqual(['x', { n: 1 }, Buffer.from([1])])
  })

  it('throws at the call what cannot be encoded, and the socket goes on', async () => {
    const { io, url } = open()
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    const thrown: unknown[] = []
    io.on('connection', (socket) => {
      for (const value of [cycle, 1n]) {
        try {
          socket.emit('x', value)
        } catch (error) {
          thrown.push(error)
        }
      }
      expect(() => socket.emit('disconnect')).toThrow('"disconnect" is a reserved event name')
      socket.emit('after')
    })
    const seen = collect(client(url))
    await until(() => seen.length === 1)
    expect(thrown).toHaveLength(2)
    expect(seen).toEqual([['after']])
  })

  it('loses volatile events while anything of the turn waits, as Socket.IO does', async () => {
    const { io, url } = open()
    const ann = client(url)
    const seen = collect(ann)
    io.on('connection', (socket) => {
      socket.on('go', () => {
        socket.emit('kept')
        for (let i = 0; i < 10; i++) socket.volatile.emit('lost', i)
        socket.emit('end')
      })
    })
    await connected(ann)
    ann.emit('go')
    await until(() => seen.some(([name]) => name === 'end'))
    expect(seen.map(([name]) => name)).toEqual(['kept', 'end'])
  })

  it('gets to the client before a disconnect, in every form of it', async () => {
    for (const end of [
      (socket: Socket) => socket.disconnect(),
      (socket: Socket) => socket.disconnect(true),
      (socket: Socket) => socket.conn.close(),
    ]) {
      const { io, url } = open()
      io.on('connection', (socket) => {
        socket.emit('last')
        end(socket)
      })
      const ann = client(url, ['websocket'], { reconnection: false })
      const seen = collect(ann)
      await onceEvent(ann as never, 'disconnect')
      expect(seen).toEqual([['last']])
    }
  })

  it('gets to a WebSocket client before the server closes', async () => {
    const { io, url } = open()
    const ann = client(url, ['websocket'], { reconnection: false })
    const seen = collect(ann)
    const reasons: string[] = []
    io.on('connection', (socket) => socket.on('disconnect', (reason) => reasons.push(reason)))
    await connected(ann)
    io.emit('last')
    await io.close()
    await until(() => ann.disconnected)
    expect(seen).toEqual([['last']])
    expect(reasons).toEqual(['server shutting down'])
  })
})

describe('rooms', () => {
  it('take effect within the call: who joined is reached, who left or is gone is not', async () => {
    const { io, url } = open()
    const [ann, ben] = [client(url), client(url)]
    const [annSaw, benSaw] = [collect(ann), collect(ben)]
    await Promise.all([connected(ann), connected(ben)])
    const [a, b] = [ann, ben].map(({ id }) => io.sockets.sockets.get(id as string)) as [Socket, Socket]
    a.join('room')
    b.join('room')
    io.to('room').emit('both')
    b.leave('room')
    io.to('room').emit('ann')
    b.disconnect()
    io.emit('ann too')
    expect([...a.rooms]).toEqual([a.id, 'room'])
    expect([...b.rooms]).toEqual([])
    await until(() => annSaw.length === 3 && ben.disconnected)
    expect(annSaw.flat()).toEqual(['both', 'ann', 'ann too'])
    expect(benSaw.flat()).toEqual(['both'])
  })

  it('may have any name: `user:42` is an ordinary one, and 42 another than "42"', async () => {
    const { io, url } = open()
    const ann = client(url)
    const seen = collect(ann)
    io.on('connection', (socket) => {
      socket.join(['user:42', 42, ''] as string[])
      io.to('user:42').emit('user')
      io.to('42').emit('text')
      io.to(42 as never).emit('number')
      io.to('').emit('empty')
      io.to([]).emit('everyone')
    })
    await until(() => seen.length === 4)
    expect(seen.flat()).toEqual(['user', 'number', 'empty', 'everyone'])
  })
})

describe('acknowledgements', () => {
  it('of several clients come together, or say who was too late', async () => {
    const { io, url } = open()
    const [ann, ben] = [client(url), client(url)]
    await Promise.all([connected(ann), connected(ben)])
    ann.on('ask', (answer) => answer('ann'))
    expect(
      await io
        .timeout(5_000)
        .except(ben.id as string)
        .emitWithAck('ask'),
    ).toEqual(['ann'])
    const failure = await io
      .timeout(50)
      .emitWithAck('ask')
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ message: 'operation has timed out', responses: ['ann'] })
    expect(await io.to('nowhere').timeout(50).emitWithAck('ask')).toEqual([])
  })

  it('count their time from the call; an answer after it is ignored', async () => {
    const { io, url } = open()
    const ann = client(url)
    let answer: (value: string) => void = () => undefined
    ann.on('ask', (given) => {
      answer = given
    })
    await connected(ann)
    const socket = io.sockets.sockets.get(ann.id as string) as Socket
    const calls: unknown[][] = []
    socket.timeout(30).emit('ask', (...args: unknown[]) => calls.push(args))
    await until(() => calls.length === 1)
    answer('late')
    ann.emit('ping')
    await new Promise((resolve) => socket.once('ping', resolve as never))
    expect(calls).toHaveLength(1)
    expect(calls[0]?.[0]).toMatchObject({ message: 'operation has timed out' })
  })

  it('of other servers, of which there are none, are answered at once', async () => {
    const { io } = open()
    expect(await io.serverSideEmitWithAck('ask')).toEqual([])
  })
})

describe('events', () => {
  it('run concurrently, are silent where no one listens, and may be answered whenever', async () => {
    const { io, url } = open()
    io.on('connection', (socket) => {
      let first: (value: string) => void = () => undefined
      socket.on('first', (answer) => {
        first = answer
      })
      socket.on('second', (answer) => {
        answer('second')
        first('first')
        first('again')
      })
    })
    const ann = client(url)
    await connected(ann)
    const order: string[] = []
    ann.emit('unknown', () => order.push('unknown'))
    ann.emit('first', (value: string) => order.push(value))
    ann.emit('second', (value: string) => order.push(value))
    await until(() => order.length === 2)
    expect(order).toEqual(['second', 'first'])
  })
})

describe('several namespaces on one link', () => {
  it('keep their order among each other', async () => {
    const { io, url } = open()
    io.of('/x').on('connection', (socket) => {
      socket.on('go', () => {
        io.of('/x').emit('1')
        io.emit('2')
        socket.emit('3')
      })
    })
    const manager = connect(url, { transports: ['websocket'], forceNew: true })
    const x: ClientSocket = manager.io.socket('/x', {})
    const seen: string[] = []
    manager.onAny((name) => seen.push(name))
    x.onAny((name) => seen.push(name))
    x.connect()
    await Promise.all([connected(manager), connected(x)])
    x.emit('go')
    await until(() => seen.length === 3)
    expect(seen).toEqual(['1', '2', '3'])
    manager.io.engine.close()
    manager.disconnect()
    x.disconnect()
  })
})
