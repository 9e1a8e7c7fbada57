/** Rooms by polls: nothing falls between two of them, and nothing is left of who goes away. B9, B10, C17. */

import { connect } from 'node:net'
import { type Hub, hubOf } from '@roomful/server/testing'
import type { TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { RoomfulError } from '../../src/core/base/errors.ts'
import { bearer, errorOf, type Message, type Serving, serve, socket, tokenOf, until } from './serving.ts'
import { serveVirtually } from './virtual.ts'

interface Answer {
  events: Message[]
  cursor: string
}

const poll = async (url: string, more: Record<string, unknown> = {}): Promise<Answer> => {
  const query = Object.entries(more).map(([name, value]) => `&${name}=${value}`)
  const response = await fetch(url + query.join(''))
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as Answer
}
const say = (roomId: string, content: string): Message => ({ type: 'chat:message', roomId, content })
const contents = ({ events }: Answer) => events.flatMap(({ content }) => (content === undefined ? [] : [content]))
/** A poll waits for its answer: there is no fact that tells it from outside. */
const parkedLinks = (hub: Hub) =>
  [...hub.links.open].filter(({ wire }) => (wire as { parked?: unknown }).parked !== undefined)
const parkedIn = (hub: Hub) => parkedLinks(hub).length > 0
const parked = ({ roomful }: Serving) => parkedIn(hubOf(roomful))

/** A server, a talker, and a poller of two rooms who is `ann`. */
async function bench(settings: Parameters<typeof serve>[0] = {}) {
  const serving = await serve(settings)
  const ben = await socket(`${serving.url}/ws?token=${tokenOf('ben')}`)
  return { ...serving, serving, ben, url: `${serving.url}/poll?room=a&room=b&token=${tokenOf('ann')}` }
}

/** The same poller, on time that the test decides. */
async function virtualBench() {
  const { server, url } = await serveVirtually()
  return { server, url: `${url}/poll?room=a&room=b&token=${server.token('ann')}` }
}

describe('a long poll', () => {
  it('[B10] first answers with a cursor at once, then waits until there is something', async () => {
    const { url, ben } = await bench()
    await ben.ask(say('a', 'before'))
    const first = await poll(url)
    expect(first).toEqual({ events: [], cursor: expect.stringMatching(/^1[a-z0-9]+\.1$/) })
    const waiting = poll(url, { after: first.cursor })
    await ben.ask(say('elsewhere', 'not here'))
    await ben.ask(say('b', 'here'))
    const second = await waiting
    expect(contents(second)).toEqual(['here'])
    expect(second.events[0]).toMatchObject({ type: 'chat:message', roomId: 'b', seq: 1, id: 'b-1', name: 'ben' })
    expect(second.cursor.split('.')[1]).toBe('3')
  })

  it('[B10] [D2] no event falls between two polls, however they come', async () => {
    const { url, ben } = await bench()
    let { cursor } = await poll(url)
    const heard: Message[] = []
    const talking = (async () => {
      for (let i = 0; i < 120; i++) {
        ben.say({ ...say(i % 3 ? 'a' : 'b', `${i}`), id: `m${i}` })
        if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
        if (i % 40 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    while (heard.length < 120) {
      const answer = await poll(url, { after: cursor, wait: heard.length % 2 ? 25 : 0 })
      heard.push(...answer.events.filter(({ seq, ts }) => seq !== undefined && ts !== undefined))
      cursor = answer.cursor
    }
    await talking
    const seqs = (roomId: string) => heard.flatMap((each) => (each.roomId === roomId ? [each.seq] : []))
    expect(seqs('a')).toEqual(Array.from({ length: 80 }, (_, i) => i + 1))
    expect(seqs('b')).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(heard.map(({ content }) => Number(content))).toEqual(Array.from({ length: 120 }, (_, i) => i))
  })

  it('[B10] answers empty when its time is up', async () => {
    const { server, url } = await virtualBench()
    const { cursor } = await poll(url)
    const waiting = poll(url, { after: cursor, wait: 1 })
    await until('the poll', () => parkedIn(server.hub))
    let isAnswered = false
    waiting.finally(() => {
      isAnswered = true
    })
    await server.advance(990)
    expect(isAnswered).toBe(false)
    await server.advance(100)
    expect(await waiting).toEqual({ events: [], cursor })
  })

  it('[B9] a short one answers at once, page by page when much was missed', async () => {
    const { url, roomful } = await bench({ historySize: 10 })
    let { cursor } = await poll(url)
    expect(await poll(url, { after: cursor, wait: 0 })).toEqual({ events: [], cursor })
    const namespace = hubOf(roomful).namespace('/')
    for (let i = 0; i < 350; i++) await namespace?.publish(i % 2 ? 'a' : 'b', 'tick', [{ i }])
    const heard: number[] = []
    for (let page = 0; page < 10 && heard.length < 350; page++) {
      const answer = await poll(url, { after: cursor, wait: 0 })
      expect(answer.events.length).toBeLessThanOrEqual(101)
      heard.push(...answer.events.map(({ i }) => i))
      cursor = answer.cursor
    }
    expect(heard).toEqual(Array.from({ length: 350 }, (_, i) => i))
  })

  it('[C17] carries new lines, emoji, nothing and 64 KB', async () => {
    const { url, ben, roomful } = await bench()
    const { cursor } = await poll(url)
    const said = ['one\ntwo\r\n3', '👩‍👩‍👧 ☃ \u2028', 'x'.repeat(65_000)]
    for (const content of said) await ben.ask(say('a', content))
    await hubOf(roomful).namespace('/')?.publish('a', 'ping', [])
    const { events } = await poll(url, { after: cursor })
    expect(events.map(({ content, type }) => content ?? type)).toEqual([...said, 'ping'])
  })

  it('[D2] says reset first when history is gone, and does not say it again', async () => {
    const { url, ben } = await bench({ retention: 3, historySize: 2 })
    await ben.ask(say('a', '0'))
    const { cursor } = await poll(url)
    for (const content of ['1', '2', '3', '4', '5']) await ben.ask(say('a', content))
    const answer = await poll(url, { after: cursor, wait: 0 })
    expect(answer.events[0]).toMatchObject({ type: 'reset', roomId: 'a', reason: 'trimmed', from: 4, to: 6 })
    expect(contents(answer)).toEqual(['3', '4', '5'])
    expect(await poll(url, { after: answer.cursor, wait: 0 })).toMatchObject({ events: [] })
    const other = await poll(url, { after: '1abcdefghijkl.9', wait: 0 })
    expect(other.events[0]).toMatchObject({ type: 'reset', roomId: 'a', reason: 'epoch' })
    expect((await poll(url, { after: other.cursor, wait: 0 })).events).toEqual([])
  })

  it('[B23] brings private messages, also those from between two polls', async () => {
    const { url, ben } = await bench()
    const whisper = (content: string) => ben.ask({ type: 'message:private', to: 'ann', content })
    await whisper('early')
    const first = await poll(url)
    expect(contents(first)).toEqual(['early'])
    await whisper('between')
    const second = await poll(url, { after: first.cursor, wait: 0 })
    expect(contents(second)).toEqual(['between'])
    const waiting = poll(url, { after: second.cursor })
    await whisper('live')
    expect(contents(await waiting)).toEqual(['live'])
  })
})

describe('a poller', () => {
  it('[D10] is one member over all of its polls, and gone with its lease', async () => {
    const { server, url } = await virtualBench()
    const ben = await server.connect({ user: 'ben' })
    await ben.request('room:join', { roomId: 'a' })
    let { cursor } = await poll(url)
    for (let i = 0; i < 3; i++) {
      await server.advance(4_000)
      cursor = (await poll(url, { after: cursor, wait: 0 })).cursor
    }
    const moves = () => ben.messages(({ type }) => type === 'user:joined' || type === 'user:left')
    expect(moves()).toMatchObject([{ type: 'user:joined', userId: 'ann' }])
    expect(server.hub.links.open.size).toBe(2)
    await server.advance(6_000)
    expect(moves()).toMatchObject([{ type: 'user:joined' }, { type: 'user:left', userId: 'ann' }])
    expect(server.hub.links.open.size).toBe(1)
  })

  it('[A1.6] that vanishes in the middle of a poll leaves nothing: no link, no member, no timer', async () => {
    const { server, url } = await virtualBench()
    const { hub } = server
    const timers = hub.runtime.timers.size
    const { port, pathname, search } = new URL(url)
    const { cursor } = await poll(url)
    for (let i = 0; i < 5; i++) {
      const ask = `GET ${pathname}${search}&after=${cursor} HTTP/1.1\r\nHost: x\r\n\r\n`
      const raw = connect(Number(port), '127.0.0.1', () => raw.write(ask))
      await until('the poll', () => parkedIn(hub))
      raw.destroy()
      await until('the link to be gone', () => hub.links.open.size === 0)
    }
    expect(hub.namespace('/')?.state.rooms.size).toBe(0)
    await server.advance(2_000) // what presence had to tell is told
    expect(hub.runtime.timers.size).toBeLessThanOrEqual(timers)
  })

  it('[C15] that waits is answered when the server goes', async () => {
    const { url, serving, roomful } = await bench()
    const { cursor } = await poll(url)
    const waiting = poll(url, { after: cursor })
    await until('the poll', () => parked(serving))
    await roomful.close()
    expect((await waiting).cursor).toBe(cursor)
  })

  it('[G8] that waits hears of a ban by status', async () => {
    const { url, serving, roomful } = await bench()
    const { cursor } = await poll(url)
    const waiting = fetch(`${url}&after=${cursor}`)
    await until('the poll', () => parked(serving))
    await roomful.ban('ann')
    expect(await errorOf(await waiting)).toEqual([403, 'FORBIDDEN'])
    expect(await errorOf(await fetch(`${url}&after=${cursor}`))).toEqual([403, 'BANNED'])
  })

  it('[B35] [C14] is refused by status and code', async () => {
    const { url } = await serve()
    const cases: [string, Record<string, string>, number, string][] = [
      ['/poll?room=a', {}, 401, 'UNAUTHENTICATED'],
      ['/poll/public?room=a&token=x', {}, 401, 'TOKEN_INVALID'],
      ['/poll/admin?room=a', bearer('ann'), 403, 'FORBIDDEN'],
      ['/poll?room=a&room=user:bob', bearer('ann'), 403, 'FORBIDDEN'],
      ['/poll/nowhere', bearer('ann'), 404, 'NOT_FOUND'],
      ['/poll/public?room=', {}, 400, 'ROOM_NAME_INVALID'],
      ['/poll/public?room=a&after=rubbish', {}, 400, 'CURSOR_INVALID'],
      ['/poll/public?room=a&wait=soon', {}, 400, 'INVALID_MESSAGE'],
    ]
    for (const [path, headers, status, code] of cases) {
      expect(await errorOf(await fetch(url + path, { headers })), path).toEqual([status, code])
    }
  })
})

describe('polls', () => {
  const users = Array.from({ length: 20 }, (_, i) => `u${i}`)

  it('[B10] [R3] may be so many; one more is told to come back, and misses nothing by it', async () => {
    const { server, url } = await serveVirtually({}, users.length)
    const at = (sub: string) => `${url}/poll?room=a&token=${server.token(sub)}`
    const ben = await server.connect({ user: 'ben' })
    const { cursor } = await poll(at('u0'))
    await Promise.all(users.slice(1).map((sub) => poll(at(sub))))
    await server.advance(1_000) // that they are here is told
    const late = await fetch(at('late'))
    expect(late.headers.get('retry-after')).toBe('5')
    expect(await errorOf(late)).toEqual([503, 'UNAVAILABLE'])
    const waiting = users.map((sub) => poll(at(sub), { after: cursor })) // each in the place that it has
    await until('all of them', () => parkedLinks(server.hub).length === users.length)
    expect(await errorOf(await fetch(`${at('late')}&after=${cursor}`))).toEqual([503, 'UNAVAILABLE'])
    await ben.request('message:send', { roomId: 'a', content: 'for all' })
    expect((await Promise.all(waiting)).map(contents)).toEqual(users.map(() => ['for all']))
    await server.advance(6_000) // nobody polls again
    expect(contents(await poll(at('late'), { after: cursor, wait: 0 }))).toEqual(['for all'])
  })

  it('[D21] are at most 500 of one user, so that others find room', { timeout: 60_000 }, async () => {
    const { server, url } = await serveVirtually({ settings: { maxConnectionsPerIp: 0 } })
    const at = (sub: string, room: string) => `${url}/poll?room=${room}&token=${server.token(sub)}`
    for (let i = 0; i < 500; i += 50) {
      const batch = Array.from({ length: 50 }, (_, k) => fetch(at('eve', `r${i + k}`)))
      for (const response of await Promise.all(batch)) expect(response.status).toBe(200)
    }
    expect(await errorOf(await fetch(at('eve', 'one-more')))).toEqual([503, 'UNAVAILABLE'])
    expect((await fetch(at('ann', 'one-more'))).status).toBe(200)
    await server.advance(6_000)
    expect((await fetch(at('eve', 'one-more'))).status).toBe(200)
  })

  it('[B10] [R3] are not more when all come at once, and leave nothing of those that are refused', async () => {
    const door = Promise.withResolvers<void>()
    let before = 0
    const setUp = (kit: TestServer): void => {
      void kit.namespace('/').use(async ({ user }) => {
        before++
        await door.promise
        if (user.sub.startsWith('eve')) throw new RoomfulError('FORBIDDEN')
      })
    }
    const { server, url } = await serveVirtually({ setUp }, users.length)
    const ask = async (sub: string) => (await fetch(`${url}/poll?room=a&token=${server.token(sub)}`)).status
    let refused = 0
    const more = Array.from({ length: 10 }, (_, i) => `more ${i}`)
    const answers = [...users, ...more].map(async (sub) => {
      const status = await ask(sub)
      if (status === 503) refused++
      return status
    })
    await until('everyone to be at the door, or refused', () => before + refused === 30)
    expect([before, refused]).toEqual([20, 10])
    door.resolve()
    expect((await Promise.all(answers)).filter((status) => status === 200)).toHaveLength(20)
    await server.advance(6_000)
    for (let i = 0; i < 2; i++) {
      expect(await Promise.all(users.map((sub) => ask(`eve ${sub}`)))).toEqual(users.map(() => 403))
    }
    expect(await Promise.all(users.map(ask))).toEqual(users.map(() => 200))
  })
})
