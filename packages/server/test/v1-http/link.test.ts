/** v1 links over HTTP as a stranger's client uses them: what they say and hear, and how they end. C17. */

import type { Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { errorOf, serve, socket, tokenOf, until } from '../fallbacks/serving.ts'
import { type Frame, openLink } from './raw-link.ts'

const ways = ['sse', 'poll'] as const
const seqs = (heard: readonly Frame[]): number[] => heard.flatMap(({ seq, ch }) => (ch && seq ? [seq] : []))

/** A poll waits for its answer: there is no fact that tells it from outside. */
const isParked = (roomful: Roomful): boolean =>
  [...hubOf(roomful).links.open].some(
    ({ wire }) => (wire as { first?: { parked?: unknown } }).first?.parked !== undefined,
  )

describe.each(ways)('a link by %s', (way) => {
  it('[F1] says and hears what one over a WebSocket does', async () => {
    const { url } = await serve()
    const link = await openLink(url, way)
    expect(await link.open()).toMatchObject({ type: 'opened', ch: 1, recovered: false, user: { name: 'Ann' } })
    expect(link.heard[1]).toMatchObject({ type: 'welcome', protocol: 1 })
    expect(await link.ask('room:join', { roomId: 'lobby' })).toMatchObject({ data: { seq: 0, count: 1 } })
    const said = ['one\ntwo\r\n3', '👩‍👩‍👧 ☃ \u2028', 'x'.repeat(65_000)]
    for (const content of said) await link.ask('message:send', { roomId: 'lobby', content })
    expect(await link.ask('message:send', { roomId: 'lobby', content: '' })).toMatchObject({
      error: { code: 'INVALID_MESSAGE', field: 'content' },
    })
    expect(link.heard.flatMap(({ event, data }) => (event === 'message:new' ? [data.content] : []))).toEqual(said)
    expect(seqs(link.heard)).toEqual([1, 2, 3])
    await link.send('{"type":"ping"}')
    await link.next('a pong', ({ type }) => type === 'pong')
    expect((await (await fetch(`${url}/health`)).json()).clients).toBe(1)
  })

  it('[F2] takes POSTs in the order of their numbers, each once', async () => {
    const { url } = await serve()
    const link = await openLink(url, way)
    await link.open()
    const say = (content: string): Frame[] => [{ ch: 1, event: 'message:send', data: { roomId: 'lobby', content } }]
    await link.ask('room:join', { roomId: 'lobby' })
    expect((await link.send(say('third'), { n: 4 })).status).toBe(409)
    expect((await link.send(say('first'), { n: 3 })).status).toBe(204)
    expect((await link.send(say('first'), { n: 3 })).status).toBe(204)
    expect((await link.send(say('second'), { n: 4 })).status).toBe(204)
    expect((await link.send(say('first'), { n: 3 })).status).toBe(409)
    await link.next('the second', ({ data }) => data?.content === 'second')
    expect(link.heard.flatMap(({ data }) => data?.content ?? [])).toEqual(['first', 'second'])
  })

  it('[F5] that is cut off keeps its session and its seat for a while', async () => {
    const { url } = await serve()
    const watcher = await socket(`${url}/ws/public?name=Watcher`)
    await watcher.ask({ type: 'room:join', roomId: 'lobby' })
    const link = await openLink(url, way)
    const { session } = await link.open()
    const { data: joined } = await link.ask('room:join', { roomId: 'lobby' })
    link.vanish()
    await until('the cut', () => watcher.heard.some(({ type }) => type === 'user:joined'))
    await watcher.ask({ type: 'message:send', roomId: 'lobby', content: 'while away' })
    const next = await openLink(url, way)
    expect(await next.open({ ns: '/public', name: 'Ann', session })).toMatchObject({ recovered: true })
    const after = { epoch: joined.epoch, seq: joined.seq }
    expect((await next.ask('room:join', { roomId: 'lobby', after })).data).toMatchObject({ recovered: true })
    await next.next('what was missed', ({ data }) => data?.content === 'while away')
    expect(watcher.heard.filter(({ type }) => type === 'user:left')).toEqual([])
  })

  it('[F5] that vanishes leaves nothing behind', async () => {
    const { url, roomful } = await serve()
    const link = await openLink(url, way)
    await link.open()
    link.vanish()
    await until('the end of the link', () => hubOf(roomful).links.open.size === 0)
    expect(await errorOf(await post(url, 'send', `{"link":"${link.id}","n":2}`))).toEqual([404, 'NOT_FOUND'])
  })

  it('[F6] that says goodbye is gone at once', async () => {
    const { url, roomful } = await serve()
    const watcher = await socket(`${url}/ws/public?name=Watcher`)
    await watcher.ask({ type: 'room:join', roomId: 'lobby' })
    const link = await openLink(url, way)
    await link.open()
    await link.ask('room:join', { roomId: 'lobby' })
    const last = [{ ch: 1, event: 'message:send', data: { roomId: 'lobby', content: 'bye' } }]
    expect((await link.send(last, { bye: true })).status).toBe(204)
    await until('user:left', () => watcher.heard.some(({ type }) => type === 'user:left'))
    expect(watcher.heard.map(({ content }) => content)).toContain('bye')
    expect(hubOf(roomful).links.open.size).toBe(1)
  })

  it('[F7] is closed with the codes of a WebSocket', async () => {
    const { url, roomful } = await serve({ authDeadlineMs: 200 })
    const close = async (link: { next: Awaited<ReturnType<typeof openLink>>['next'] }): Promise<number> =>
      (await link.next('the close', ({ $ }) => $ === 'close')).code
    const silent = openLink(url, way)
    const nobody = await openLink(url, way)
    expect(await nobody.open({ ns: '/', token: 'not.a.token' })).toMatchObject({
      ...{ type: 'closed', code: 4001, error: { code: 'TOKEN_INVALID' } },
    })
    expect(await close(nobody)).toBe(4001)
    expect(await close(await silent)).toBe(4001)
    const ann = await openLink(url, way)
    await ann.open({ ns: '/', token: tokenOf('ann') })
    if (way === 'poll') await until('a poll', () => isParked(roomful))
    await roomful.close()
    await ann.next('a word', ({ event }) => event === 'server:draining')
    if (way === 'sse') expect(await close(ann)).toBe(1012)
  })

  it('[F7] tells an address with too many links so', async () => {
    const { url } = await serve({ maxConnectionsPerIp: 1 })
    await openLink(url, way)
    const second = await openLink(url, way)
    await second.next('the refusal', ({ type, code }) => type === 'error' && code === 'TOO_MANY_CONNECTIONS')
    expect(await second.next('the close', ({ $ }) => $ === 'close')).toMatchObject({ code: 1008 })
  })

  it('[F8] whose client does not answer pings is cut', async () => {
    const { url, roomful } = await serve({ pingIntervalMs: 200, pongTimeoutMs: 100 })
    const link = await openLink(url, way === 'poll' ? 'unpolled' : 'sse')
    await until('the cut', () => hubOf(roomful).links.open.size === 0)
    expect((await post(url, 'send', `{"link":"${link.id}","n":1}`)).status).toBe(404)
  })
})

it('[F8] a poll is answered with a ping, and the next poll is the pong', async () => {
  const { url, roomful } = await serve({ pingIntervalMs: 150, pongTimeoutMs: 100 })
  const link = await openLink(url, 'poll')
  await until('some pings', () => link.heard.filter(({ $ }) => $ === 'ping').length >= 4)
  expect(hubOf(roomful).links.open.size).toBe(1)
})

const post = (url: string, path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/link/${path}`, { method: 'POST', body, headers })

describe('a request that makes no sense', () => {
  it('[F3] [R4] is refused with its reason, and harms no link', async () => {
    const { url, roomful } = await serve()
    const link = await openLink(url, 'sse')
    await link.open()
    const refused = async (path: string, body: string) => errorOf(await post(url, path, body))
    expect(await refused('poll', '{"link":"stolen"}')).toEqual([404, 'NOT_FOUND'])
    expect(await refused('send', '{"link":"guessed","n":1}')).toEqual([404, 'NOT_FOUND'])
    expect(await refused('send', 'rubbish\n{}')).toEqual([400, 'PARSE_ERROR'])
    expect(await refused('send', '[]')).toEqual([400, 'INVALID_MESSAGE'])
    expect(await refused('send', `{"link":"${link.id}","n":"2"}`)).toEqual([400, 'INVALID_MESSAGE'])
    expect(await refused('send', `{"link":"${link.id}","n":2}\n${'x'.repeat(200_000)}`)).toEqual([413, 'TOO_LARGE'])
    expect(await refused('poll', 'x'.repeat(2_000))).toEqual([413, 'TOO_LARGE'])
    expect(await link.ask('room:list')).toMatchObject({ data: { status: 'ok' } })
    expect(hubOf(roomful).links.open.size).toBe(1)
    expect((await fetch(`${url}/link/sse`, { method: 'HEAD' })).headers.get('content-type')).toBe('text/event-stream')
    expect(hubOf(roomful).links.open.size).toBe(1)
  })

  it('[F4] two polls at once end the link, and so does a poll for a stream', async () => {
    const { url, roomful } = await serve()
    const link = await openLink(url, 'unpolled')
    const statuses = (await Promise.all([link.poll(), link.poll()])).map(({ status }) => status).sort()
    expect(statuses).toEqual([200, 409])
    const stream = await openLink(url, 'sse')
    expect((await stream.poll()).status).toBe(409)
    expect(await stream.next('the close', ({ $ }) => $ === 'close')).toMatchObject({ code: 1002 })
    await until('the end of both', () => hubOf(roomful).links.open.size === 0)
  })

  it('[H16] [R6] of a page of another site opens nothing', async () => {
    const { url, roomful } = await serve({ corsOrigin: ['https://app.example'] })
    const foreign = { origin: 'https://evil.example' }
    expect((await fetch(`${url}/link/sse`, { headers: foreign })).status).toBe(403)
    expect((await post(url, 'poll', '', foreign)).status).toBe(403)
    expect(hubOf(roomful).links.open.size).toBe(0)
    const allowed = await post(url, 'poll', '', { origin: 'https://app.example' })
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example')
  })

  it('[H5] before it is known who it is, at most 4 KiB and 5 messages for each channel it may open', async () => {
    const { url } = await serve()
    const link = await openLink(url, 'sse')
    for (let i = 0; i < 5 * 16 + 1; i++) await link.send('{"type":"ping"}')
    expect(await link.next('the close', ({ $ }) => $ === 'close')).toMatchObject({ code: 1008 })
  })
})

/** A WebSocket that wants to take over. */
async function offer(url: string, id: string): Promise<{ ws: WebSocket; said: string[] }> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/ws`, ['roomful.v1', `link.${id}`])
  const said: string[] = []
  ws.on('message', (data: Buffer) => said.push(data.toString()))
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject))
  return { ws, said }
}

describe('[F9] a WebSocket that takes over', () => {
  it.each(ways)('from %s loses and repeats nothing, while others keep talking', async (way) => {
    const { url, roomful } = await serve()
    const link = await openLink(url, way)
    const { id: connectionId } = await link.open()
    await link.ask('room:join', { roomId: 'lobby' })
    const lobby = hubOf(roomful).namespace('/public')
    const talk = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await lobby?.publish('lobby', 'tick', [{ i }])
    }
    const talking = talk(200)
    const { ws, said } = await offer(url, link.id)
    expect(ws.protocol).toBe('roomful.v1')
    ws.send('probe')
    await until('the answer', () => said.includes('probed'))
    ws.send('upgrade')
    await talking
    await talk(1)
    const own = (): Frame[] => said.filter((text) => text !== 'probed').map((text) => JSON.parse(text) as Frame)
    await until('the last tick', () => own().some(({ seq }) => seq === 201))
    expect(seqs([...link.heard, ...own()])).toEqual(Array.from({ length: 201 }, (_, i) => i + 1))
    ws.send(JSON.stringify({ ch: 1, event: 'message:send', data: { roomId: 'lobby', content: 'hi' }, id: 99 }))
    await until('an answer', () => own().some(({ ack }) => ack === 99))
    expect(lobby?.connections.get(connectionId)?.link.state).toBe('open')
    expect(hubOf(roomful).links.open.size).toBe(1)
    await until('the end over HTTP', () => link.heard.some(({ $ }) => $ === (way === 'sse' ? 'end' : 'refused')))
    ws.close()
    await until('the end of the link', () => hubOf(roomful).links.open.size === 0)
  })

  it('that does not know the secret is refused, and one that talks nonsense leaves the link as it was', async () => {
    const { url } = await serve()
    const link = await openLink(url, 'sse')
    await link.open()
    await expect(offer(url, 'guessed')).rejects.toThrow('404')
    const { ws } = await offer(url, link.id)
    const closed = new Promise((resolve) => ws.once('close', resolve))
    ws.send('{"type":"open","v":1,"ch":2,"ns":"/public"}')
    await closed
    expect(await link.ask('room:list')).toMatchObject({ data: { status: 'ok' } })
  })
})
