/** What Socket.IO users rely on besides messages: middleware, volatile events, reasons, acknowledgements in time. C7, C9, B31. */

import { RoomfulError } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it } from 'vitest'
import { client, collect, connect, next, refusal, serve, ways } from './serve.ts'

describe.each(ways)('a Socket.IO client over %s', (way) => {
  it('[B31] gets the reason from middleware why it may not connect, and other errors stay inside', async () => {
    const facts: unknown[] = []
    const observer = { observe: (fact: { type: string }) => void (fact.type === 'handler:failed' && facts.push(fact)) }
    const { url } = await serve({ observer }, (roomful) => {
      const guarded = roomful.namespace('/guarded', undefined, { guests: true })
      guarded.use(async ({ connection }) => {
        const { plan } = connection.handshake ?? {}
        if (plan === undefined) throw new RoomfulError('PLAN_NEEDED', 'Buy a plan first', { field: 'plan' })
        if (plan === 'broken') throw new TypeError('a secret of the server')
        connection.data = { plan }
      })
      guarded.use(({ event, connection }) => {
        if (event === 'export' && connection.data?.plan !== 'pro') throw new RoomfulError('FORBIDDEN', 'Only with pro')
      })
      guarded.on('export', ({ connection }) => connection.data)
    })
    const socket = (auth: Record<string, unknown>) => client(`${url}/guarded`, way, { auth })
    const data = { code: 'PLAN_NEEDED', message: 'Buy a plan first', field: 'plan' }
    expect(await refusal(socket({}))).toEqual({ message: 'Buy a plan first', data })
    const free = socket({ plan: 'free' })
    expect(await free.emitWithAck('export')).toMatchObject({ status: 'error', code: 'FORBIDDEN' })
    expect(await socket({ plan: 'pro' }).emitWithAck('export')).toEqual({ plan: 'pro' })
    const internal = { code: 'INTERNAL', message: 'Something went wrong on the server' }
    expect(await refusal(socket({ plan: 'broken' }))).toEqual({ message: internal.message, data: internal })
    expect(facts).toMatchObject([{ event: 'connect', error: { message: 'a secret of the server' } }])
  })

  it('[C9] gets volatile events while it reads, and sends volatile ones', async () => {
    const { url } = await serve({}, (roomful) => {
      const game = roomful.namespace('/game', undefined, { guests: true })
      game.on('at', (context, x: number, y: number) => context.toAll('field').volatile.emit('moved', x, y))
    })
    const socket = client(`${url}/game`, way)
    await next(socket, 'connect')
    await socket.emitWithAck('room:join', 'field')
    const moved = next(socket, 'moved')
    socket.volatile.emit('at', 1, 2)
    expect(await moved).toEqual([1, 2])
  })

  it('[C9] gives up waiting by its own time, and the server by its own', async () => {
    const { url } = await serve({}, (roomful) => {
      roomful.namespace('/slow', undefined, { guests: true }).on('never', () => new Promise(() => undefined))
      Object.assign(hubOf(roomful).runtime.settings, { handlerTimeoutMs: 300 })
    })
    const socket = client(`${url}/slow`, way)
    await next(socket, 'connect')
    const answer = socket.emitWithAck('never')
    await expect(socket.timeout(50).emitWithAck('never')).rejects.toThrow('operation has timed out')
    expect(await answer).toMatchObject({ status: 'error', code: 'TIMEOUT' })
  })

  it('[C7] is told why it was disconnected, and so is the server', async () => {
    const { url, roomful } = await serve()
    const reasons: Record<string, string> = {}
    const gone = new Promise<void>((resolve) => {
      hubOf(roomful)
        .namespace('/')
        ?.hook('disconnect', ({ user }, reason) => {
          reasons[user.sub] = reason
          if (Object.keys(reasons).length === 2) resolve()
        })
    })
    const [kicked, leaving] = await Promise.all([connect(url, way, 'kicked'), connect(url, way, 'leaving')])
    const told = Promise.all([kicked, leaving].map((socket) => next(socket, 'disconnect')))
    roomful.disconnectUser('kicked')
    leaving.disconnect()
    expect((await told).map(([reason]) => reason)).toEqual(['io server disconnect', 'io client disconnect'])
    await gone
    expect(reasons).toEqual({ kicked: 'Disconnected by the server', leaving: 'Closed by the client' })
  })
})

it('[C9] several namespaces are asked and answered apart, on one connection', async () => {
  const { url, roomful } = await serve({}, (namespaces) => {
    for (const name of ['/a', '/b']) namespaces.namespace(name, undefined, { guests: true })
  })
  const a = client(`${url}/a`, 'upgraded', { forceNew: false })
  const b = a.io.socket('/b')
  for (const [socket, name] of [[a, 'a'] as const, [b, 'b'] as const]) {
    socket.on('who', (answer: (name: string) => void) => answer(name))
  }
  await Promise.all([next(a, 'connect'), next(b, 'connect')])
  const ask = (name: string, id = '') => hubOf(roomful).namespace(name)?.connections.get(id)?.request('who')
  expect(await Promise.all([ask('/a', a.id), ask('/b', b.id)])).toEqual(['a', 'b'])
  expect(hubOf(roomful).links.open.size).toBe(1)
  const all = collect(b, 'tick', 2)
  for (const tick of [{ n: 1 }, { n: 2 }]) hubOf(roomful).namespace('/b')?.emit('tick', tick)
  expect(await all).toEqual([{ n: 1 }, { n: 2 }])
})
