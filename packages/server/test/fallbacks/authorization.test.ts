/** What one may do changes while one is there: on streams, polls and Socket.IO as on a bare WebSocket. G8, D11. */
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it } from 'vitest'
import type { Hub } from '../../src/core/hub.ts'
import { client, token as ioToken, next, serve as serveIo } from '../socketio/serve.ts'
import { bearer, errorOf, type Message, serve, stream, tokenOf, until } from './serving.ts'
import { serveVirtually } from './virtual.ts'

const HOUR_MS = 3_600_000

/** A namespace whose room `club` is for those on the list. */
function club(members: Set<string>): (roomful: Awaited<ReturnType<typeof serve>>['roomful']) => void {
  return (roomful) => {
    const namespace = roomful.namespace('/work', undefined, { open: true })
    roomful.chat(namespace.room('club', { allow: { join: ({ sub }) => members.has(sub) } }))
  }
}

/** A poll waits for its answer: there is no fact that tells it from outside. */
const isParked = ({ links }: Hub): boolean =>
  [...links.open].some(({ wire }) => (wire as { parked?: unknown }).parked !== undefined)

describe('[G8] [D11] a room lost', () => {
  it('[H13] is told on a stream, which hears nothing more of it; coming back to it is refused', async () => {
    const members = new Set(['ann'])
    const { url, roomful } = await serve({}, club(members))
    const at = `${url}/sse/work?room=club&room=hall&token=${tokenOf('ann')}`
    const ann = await stream(at)
    members.clear()
    await roomful.recheck('ann')
    expect(await ann.next('notice')).toMatchObject({ code: 'FORBIDDEN', roomId: 'club' })
    const namespace = roomful.get('/work')
    await namespace.publish('club', 'secret', [])
    await namespace.publish('hall', 'open', [])
    await ann.next('open')
    expect(ann.durable().map(({ type }) => type)).toEqual(['open'])
    expect(await errorOf(await fetch(at, { headers: { 'last-event-id': ann.durable()[0]?.$id } }))).toEqual([
      403,
      'FORBIDDEN',
    ])
  })

  it('[H13] is told to a poll that waits, and to the next one by its status', async () => {
    const members = new Set(['ann'])
    const { url, roomful } = await serve({}, club(members))
    const at = `${url}/poll/work?room=club&room=hall&token=${tokenOf('ann')}`
    const { cursor } = (await (await fetch(at)).json()) as { cursor: string }
    const waiting = fetch(`${at}&after=${cursor}`)
    await until('the poll', () => isParked(hubOf(roomful)))
    members.clear()
    await roomful.recheck()
    const { events } = (await (await waiting).json()) as { events: Message[] }
    expect(events).toMatchObject([{ type: 'notice', code: 'FORBIDDEN', roomId: 'club' }])
    const again = await fetch(`${at}&after=${cursor}`)
    expect(((await again.clone().json()) as { error: Message }).error.message).toContain('"club"')
    expect(await errorOf(again)).toEqual([403, 'FORBIDDEN'])
  })

  it('[H13] is told to a Socket.IO client, and its session does not bring it back', async () => {
    const members = new Set(['ann'])
    const { url, roomful } = await serveIo({ ratePerSecond: 0 }, club(members))
    const ann = client(`${url}/work`, 'websocket', { auth: { token: await ioToken('ann') } })
    await next(ann, 'connect')
    for (const room of ['club', 'hall']) await ann.emitWithAck('room:join', room)
    const heard: unknown[] = []
    for (const event of ['secret', 'open']) ann.on(event, () => heard.push(event))
    const namespace = roomful.get('/work')
    await namespace.publish('hall', 'open', [])
    await until('a position', () => heard.length === 1)

    // Lost while it was away: what it missed there is not for it any more.
    const back = next(ann, 'connect')
    const told = next(ann, 'notice')
    ann.io.engine.close()
    members.clear()
    await namespace.publish('club', 'secret', [])
    await namespace.publish('hall', 'open', [])
    await back
    expect(ann.recovered).toBe(true)
    expect(await told).toMatchObject([{ code: 'FORBIDDEN', roomId: 'club' }])
    await until('what was missed', () => heard.length === 2)
    expect(heard).toEqual(['open', 'open'])
    expect([...(hubOf(roomful).namespace('/work')?.state.rooms.keys() ?? [])]).toEqual(['hall'])
  })

  it('[H13] by a change of role is told on the open connection, and a ban ends it at once', async () => {
    const { url, roomful } = await serveIo({ ratePerSecond: 0 }, (it) => {
      const namespace = it.namespace('/work', undefined, { open: true })
      namespace.room('staff', { allow: { join: ({ role }) => role === 'admin' } })
    })
    const root = await roomful.createAccount({ username: 'root', password: 'long enough', role: 'admin' })
    const ann = client(`${url}/work`, 'polling', { auth: { token: await ioToken(root.sub) } })
    await next(ann, 'connect')
    expect(await ann.emitWithAck('room:join', 'staff')).toMatchObject({ status: 'ok' })
    const told = next(ann, 'notice')
    await roomful.setRole(root.sub, 'user')
    expect(await told).toMatchObject([{ code: 'FORBIDDEN', roomId: 'staff' }])
    expect(await ann.emitWithAck('room:join', 'staff')).toMatchObject({ status: 'error', code: 'FORBIDDEN' })
    const ended = next(ann, 'disconnect')
    await roomful.ban(root.sub)
    expect((await ended)[0]).toBe('io server disconnect')
  })

  it('[G8] a ban ends a stream with the reason, and the browser is refused when it comes back', async () => {
    const { url, roomful } = await serve()
    const at = `${url}/sse?room=a&token=${tokenOf('ann')}`
    const ann = await stream(at)
    await roomful.ban('ann')
    expect(await ann.next('error')).toMatchObject({ code: 'FORBIDDEN', message: 'You are banned' })
    expect(await errorOf(await fetch(at))).toEqual([403, 'BANNED'])
  })
})

describe('[G8] the end of a token', () => {
  it('[H12] on a stream is told 30 s before, and ends it 30 s after, with the reason', async () => {
    const { server, url } = await serveVirtually()
    const expiresAt = server.clock.now() + HOUR_MS
    const ann = await stream(`${url}/sse?room=a&token=${server.token('ann', { expiresInMs: HOUR_MS })}`)
    await server.advance(HOUR_MS - 31_000)
    expect(ann.heard.some(({ type }) => type === 'auth_expiring')).toBe(false)
    await server.advance(2_000)
    expect(await ann.next('auth_expiring')).toMatchObject({ ts: expiresAt })
    await server.advance(58_000)
    expect(server.hub.links.open.size).toBe(1)
    await server.advance(2_000)
    expect(await ann.next('error')).toMatchObject({ code: 'TOKEN_EXPIRED' })
    await until('the stream to be over', () => server.hub.links.open.size === 0)
  })

  it('[H12] answers a poll that waits, and the next one is 401', async () => {
    const { server, url } = await serveVirtually()
    const at = `${url}/poll?room=a&token=${server.token('ann', { expiresInMs: 20_000 })}`
    const { cursor } = (await (await fetch(at)).json()) as { cursor: string }
    const waiting = fetch(`${at}&after=${cursor}`)
    await until('the poll', () => isParked(server.hub))
    await server.advance(100)
    expect(((await (await waiting).json()) as { events: Message[] }).events).toMatchObject([{ type: 'auth_expiring' }])
    await server.advance(21_000)
    expect(await errorOf(await fetch(`${at}&after=${cursor}`))).toEqual([401, 'TOKEN_EXPIRED'])
    expect(await errorOf(await fetch(`${url}/poll?room=a`, { headers: bearer('ann') }))).toEqual([401, 'TOKEN_INVALID'])
  })
})
