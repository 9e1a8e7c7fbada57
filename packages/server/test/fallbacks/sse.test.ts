/** Rooms over an EventSource that the project did not write, and over raw bytes where it hides them. C17, B11, PROTOCOL.md 13. */

import { connect } from 'node:net'
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bearer, errorOf, type Message, serve, socket, stream, tokenOf, until } from './serving.ts'

const contents = (messages: readonly Message[]) => messages.map(({ content }) => content)
const post = (roomId: string, content: string): Message => ({ type: 'chat:message', roomId, content })

/** The first bytes of a stream as text, up to what is asked for. */
async function rawStream(url: string, wanted: string, headers: Record<string, string> = {}) {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  let text = ''
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const utf8 = new TextDecoder()
  while (!text.includes(wanted)) {
    const { value, done } = await reader.read()
    if (done) break
    text += utf8.decode(value, { stream: true })
  }
  abort.abort()
  return { response, text }
}

/** A stream as it is on the wire. */
async function rawSocket(port: number, version: string, name = 'Ann') {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  let end: string | undefined
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (/\r\n0\r\n\r\n$/.test(text)) end ??= 'last chunk'
  })
  socket.on('end', () => {
    end ??= 'end'
  })
  socket.on('error', ({ code }: NodeJS.ErrnoException) => {
    end ??= code
  })
  socket.write(`GET /sse/public?room=lobby&name=${name} HTTP/${version}\r\nHost: x\r\n\r\n`)
  await until('the room', () => text.includes('room:joined'))
  return { text: () => text, end: () => end }
}

describe('a stream', () => {
  it('[B11] [C17] has the headers and the form that an EventSource and its proxies need', async () => {
    const { url } = await serve()
    const { response, text } = await rawStream(`${url}/sse/public?room=lobby&name=Ann`, 'room:joined')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(text).toMatch(/^retry: \d{4}\ndata: \{"type":"welcome",[^\n]*\}\nid: 1[a-z0-9]+\.0\n\n/)
    expect(text).not.toContain('event:')
    const joined = /data: (\{"type":"room:joined".*\})\nid: /.exec(text)?.[1] ?? '{}'
    expect(JSON.parse(joined)).toMatchObject({ status: 'ok', roomId: 'lobby', seq: 0, count: 1 })
  })

  it('[C17] carries the JSON that a bare WebSocket gets: new lines, emoji, nothing, 64 KB', async () => {
    const { url, roomful } = await serve()
    const ann = await stream(`${url}/sse/public?room=lobby&name=Ann`)
    const ben = await socket(`${url}/ws/public?name=Ben`)
    await ben.ask({ type: 'room:join', roomId: 'lobby' })
    const said = ['one\ntwo\r\n\rthree\n\ndata: four', '👩‍👩‍👧 ☃ \u2028', 'x'.repeat(65_000)]
    for (const content of said) await ben.ask(post('lobby', content))
    const namespace = hubOf(roomful).namespace('/public')
    await namespace?.publish('lobby', 'ping', [])
    await namespace?.publish('lobby', 'pair', ['', null])
    await until('all five', () => ann.durable().length === 5)
    const plain = ben.heard.filter(({ seq, ts }) => seq !== undefined && ts !== undefined)
    expect(ann.durable().map(({ $id: _, ...message }) => message)).toEqual(plain)
    expect(contents(ann.durable()).slice(0, 3)).toEqual(said)
    expect(ann.durable().map(({ $id }) => $id.split('.')[1])).toEqual(['1', '2', '3', '4', '5'])
  })

  it('[D14] brings the latest at an interval when asked to, and refuses what is no interval', async () => {
    const { url, roomful } = await serve()
    const ann = await stream(`${url}/sse/public?room=lobby&name=Ann&flow=60000`)
    await until('the room', () => ann.heard.some(({ type }) => type === 'room:joined'))
    expect(ann.heard.find(({ type }) => type === 'room:joined')).toMatchObject({ flow: { everyMs: 60_000 } })
    const namespace = hubOf(roomful).namespace('/public')
    for (const count of [1, 2, 3]) await namespace?.publish('lobby', 'tick', [{ count }])
    await until('the first', () => ann.heard.some(({ type }) => type === 'tick'))
    expect(ann.heard.filter(({ type }) => type === 'tick')).toMatchObject([{ count: 1, seq: 1 }])
    for (const path of ['sse', 'poll']) {
      const response = await fetch(`${url}/${path}/public?room=lobby&name=Ben&flow=often`)
      expect(await response.json()).toMatchObject({ error: { code: 'INVALID_MESSAGE', field: 'flow' } })
    }
  })

  it('names its events when asked to', async () => {
    const { url, roomful } = await serve()
    const opened = rawStream(`${url}/sse/public?room=lobby&named=1`, '"Hi"')
    await until('the member', () => hubOf(roomful).namespace('/public')?.state.rooms.get('lobby')?.count === 1)
    const ben = await socket(`${url}/ws/public?name=Ben`)
    await ben.ask(post('lobby', 'Hi'))
    expect((await opened).text).toMatch(/event: chat:message\ndata: \{"type":"chat:message".*\nid: \S+\.1\n\n/)
  })

  it('[C17] is chunked for HTTP/1.1, a chunk an event, and ends with its connection for HTTP/1.0', async () => {
    const { url, port } = await serve()
    const [chunked, bare] = await Promise.all(['1.1', '1.0'].map((version) => rawSocket(port, version)))
    if (!chunked || !bare) throw new Error('There are two')
    const ben = await socket(`${url}/ws/public?name=Ben`)
    await ben.ask(post('lobby', 'hello ☃'))
    for (const each of [chunked, bare]) await until('the message', () => each.text().includes('hello'))
    expect(chunked.text()).toMatch(/^HTTP\/1\.1 200 /)
    expect(chunked.text()).toMatch(/\r\nTransfer-Encoding: chunked\r\n/)
    const [, size = '', event = ''] =
      /\r\n([0-9a-f]+)\r\n(data: \{"type":"chat:message"[^\r]*)\r\n$/.exec(chunked.text()) ?? []
    expect(Number.parseInt(size, 16)).toBe(Buffer.byteLength(event))
    expect(event).toMatch(/\nid: \S+\.1\n\n$/)
    expect(bare.text()).not.toContain('Transfer-Encoding')
    expect(bare.text().endsWith(event)).toBe(true)
  })

  it('[G7] [G8] is cut when its client should come back, and ends properly when it should not', async () => {
    const { roomful, port } = await serve()
    const namespace = hubOf(roomful).namespace('/public')
    const [kicked, kickedBare, slow, slowBare] = await Promise.all(
      ['1.1', '1.0', '1.1', '1.0'].map((version, i) => rawSocket(port, version, `${i}`)),
    )
    const close = (name: string, code: number): void => {
      for (const link of [...hubOf(roomful).links.open]) {
        if (link.connections[0]?.user.name === name) link.close(code, 'as the test says')
      }
    }
    await until('all', () => namespace?.state.rooms.get('lobby')?.count === 4)
    for (const [i, code] of [4009, 4009, 4008, 4008].entries()) close(`${i}`, code)
    await until('the ends', () => [kicked, kickedBare, slow, slowBare].every((each) => each?.end() !== undefined))
    expect([kicked, kickedBare].map((each) => each?.text().includes('"code":"FORBIDDEN"'))).toEqual([true, true])
    expect(kicked?.text()).toMatch(/\r\n0\r\n\r\n$/)
    expect(slow?.text()).not.toMatch(/\r\n0\r\n\r\n$/)
    expect([slow, kickedBare, slowBare].map((each) => each?.end())).toEqual(['end', 'end', 'ECONNRESET'])
  })

  it('[D10] is a member while it is there, and gone without a grace', async () => {
    const { url, roomful } = await serve()
    const ben = await socket(`${url}/ws/public?name=Ben`)
    await ben.ask({ type: 'room:join', roomId: 'lobby' })
    const ann = await stream(`${url}/sse/public?room=lobby&name=Ann`)
    await until('Ann', () => ben.heard.some(({ type, name }) => type === 'user:joined' && name === 'Ann'))
    expect(hubOf(roomful).links.open.size).toBe(2)
    ann.source.close()
    await until('her leaving', () => ben.heard.some(({ type }) => type === 'user:left'))
    expect((await ben.ask({ type: 'presence:get', roomId: 'lobby' })).count).toBe(1)
    expect(hubOf(roomful).links.open.size).toBe(1)
  })

  it('[B23] brings what waits in the inbox, and what is said to its user', async () => {
    const { url } = await serve()
    const ben = await socket(`${url}/ws?token=${tokenOf('ben')}`)
    await ben.ask({ type: 'message:private', to: 'ann', content: 'while you were away' })
    const ann = await stream(`${url}/sse/chat?room=lobby`, bearer('ann'))
    await ben.ask({ type: 'message:private', to: 'ann', content: 'now' })
    await ann.next('message:private', ({ content }) => content === 'now')
    expect(contents(ann.durable())).toEqual(['while you were away', 'now'])
  })
})

describe('coming back', () => {
  it('[B11] [D2] by Last-Event-ID brings what was missed in every room, in order, once', async () => {
    const { url, roomful } = await serve()
    const ben = await socket(`${url}/ws?token=${tokenOf('ben')}`)
    const path = `${url}/sse?room=a&room=b&token=${tokenOf('ann')}`
    const ann = await stream(path)
    const rooms = ['a', 'b', 'elsewhere', 'b', 'a']
    for (let round = 0; round < 3; round++) {
      for (const roomId of rooms) await ben.ask(post(roomId, `${round} live`))
      const at = (round + 1) * 8 - 4
      await until('the live ones', () => ann.durable().length >= at)
      // The server lets go of the stream, as a proxy would; the browser comes back by itself.
      for (const link of [...hubOf(roomful).links.open]) if (link.dialect.name === 'sse') link.terminate('cut')
      for (const roomId of rooms) await ben.ask(post(roomId, `${round} missed`))
      await until('the missed ones', () => ann.durable().length >= at + 4)
    }
    const seqs = (roomId: string) => ann.durable().flatMap((each) => (each.roomId === roomId ? [each.seq] : []))
    expect(seqs('a')).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    expect(seqs('b')).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    const ns = ann.durable().map(({ $id }) => Number($id.split('.')[1]))
    expect(ns).toEqual([...ns].sort((x, y) => x - y))
    expect(ann.heard.filter(({ type }) => type === 'reset')).toEqual([])
  }, 30_000)

  it.each(['lastEventId', 'lastEventID', 'Last-Event-ID', 'last-event-id', 'last_event_id', 'evs_last_event_id'])(
    '[B11] [D2] by a last event id in the URL, however it is spelled: %s',
    async (parameter) => {
      const { url } = await serve()
      const ben = await socket(`${url}/ws/public?name=Ben`)
      const path = `${url}/sse/public?room=lobby&name=Ann`
      const first = await stream(path)
      const { $id: older } = await first.next('room:joined')
      await ben.ask(post('lobby', 'received'))
      const { $id: newer } = await first.next('chat:message')
      first.source.close()
      await ben.ask(post('lobby', 'missed'))
      const missed = async (query: string, headers: Record<string, string> = {}) => {
        const { text } = await rawStream(`${path}${query}`, '"missed"', headers)
        return [...text.matchAll(/"content":"(\w+)"/g)].map(([, content]) => content)
      }
      // The page may have asked for an older place in the same URL; some add an empty parameter to the first request.
      expect(await missed(`&after=${older}&${parameter}=${newer}`)).toEqual(['missed'])
      expect(await missed(`&after=${older}&${parameter}=`)).toEqual(['received', 'missed'])
      expect(await missed(`&${parameter}=${older}&${parameter}=${newer}`)).toEqual(['missed'])
      expect(await missed(`&${parameter}=${older}`, { 'last-event-id': newer })).toEqual(['missed'])
      expect(await errorOf(await fetch(`${path}&${parameter}=rubbish`))).toEqual([400, 'CURSOR_INVALID'])
    },
  )

  it('[D2] has a position although nothing ever came', async () => {
    const { url } = await serve()
    const ben = await socket(`${url}/ws/public?name=Ben`)
    await ben.ask(post('lobby', 'before'))
    const first = await stream(`${url}/sse/public?room=lobby&name=Ann`)
    const { $id } = await first.next('room:joined')
    first.source.close()
    await ben.ask(post('lobby', 'missed'))
    const second = await stream(`${url}/sse/public?room=lobby&name=Ann&after=${$id}`)
    await second.next('chat:message')
    expect(contents(second.durable())).toEqual(['missed'])
    expect((await second.next('room:joined')).recovered).toBe(true)
  })

  it('[D2] says so first when history is gone, and gives what there is', async () => {
    const { url } = await serve({ retention: 3, historySize: 3 })
    const ben = await socket(`${url}/ws/public?name=Ben`)
    await ben.ask(post('lobby', '1'))
    const first = await stream(`${url}/sse/public?room=lobby&name=Ann`)
    const { $id } = await first.next('room:joined')
    first.source.close()
    for (const content of ['2', '3', '4', '5', '6']) await ben.ask(post('lobby', content))
    const second = await stream(`${url}/sse/public?room=lobby&name=Ann&after=${$id}`)
    await until('three', () => second.durable().length === 3)
    expect(await second.next('reset')).toMatchObject({ roomId: 'lobby', reason: 'trimmed', from: 4, to: 6 })
    expect(contents(second.durable())).toEqual(['4', '5', '6'])
    expect(second.heard.findIndex(({ type }) => type === 'reset')).toBeLessThan(
      second.heard.findIndex(({ type }) => type === 'chat:message'),
    )
  })

  it('[D2] to a server that forgot everything is told as another epoch', async () => {
    const { url } = await serve()
    const ben = await socket(`${url}/ws/public?name=Ben`)
    await ben.ask(post('lobby', 'here'))
    const ann = await stream(`${url}/sse/public?room=lobby&after=1abcdefghijkl.7`)
    expect(await ann.next('reset')).toMatchObject({ roomId: 'lobby', reason: 'epoch', from: 1, to: 1 })
    expect(contents([await ann.next('chat:message')])).toEqual(['here'])
  })

  it('[A3.4] with the ticket that opened the stream, and with no other request', async () => {
    const { url, roomful } = await serve()
    const { ticket } = (await (
      await fetch(`${url}/api/tickets`, { method: 'POST', headers: bearer('ann') })
    ).json()) as { ticket: string }
    const ann = await stream(`${url}/sse?room=lobby&ticket=${ticket}`)
    for (const link of [...hubOf(roomful).links.open]) link.terminate('cut')
    await until('her second welcome', () => ann.heard.filter(({ type }) => type === 'welcome').length === 2)
    expect(await errorOf(await fetch(`${url}/sse?room=other&ticket=${ticket}`))).toEqual([401, 'TOKEN_INVALID'])
    const bare = await fetch(`${url}/sse/chat?room=lobby&room=x&ticket=${ticket}`)
    expect(await errorOf(bare)).toEqual([401, 'TOKEN_INVALID'])
  })
})

describe('a refusal', () => {
  it.each<[string, string, Record<string, string>, number, string]>([
    ['no token', '/sse?room=a', {}, 401, 'UNAUTHENTICATED'],
    ['an empty token', '/sse?room=a&token=', {}, 401, 'TOKEN_INVALID'],
    ['a bad token', '/sse/public?room=a&token=x', {}, 401, 'TOKEN_INVALID'],
    ['an expired token', `/sse?room=a&token=${tokenOf('ann', { exp: 1_000 })}`, {}, 401, 'TOKEN_EXPIRED'],
    ['a role that does not fit', '/sse/admin?room=a', bearer('ann'), 403, 'FORBIDDEN'],
    ['a namespace that is not there', '/sse/nowhere?room=a', bearer('ann'), 404, 'NOT_FOUND'],
    ['a path that is no UTF-8', '/sse/%ff?room=a', bearer('ann'), 404, 'NOT_FOUND'],
    ['a name that is no room', '/sse/public?room=%00', {}, 400, 'ROOM_NAME_INVALID'],
    ["somebody else's inbox", '/sse?room=a&room=user:bob', bearer('ann'), 403, 'FORBIDDEN'],
    ['rubbish for a cursor', '/sse/public?room=a&after=12', {}, 400, 'CURSOR_INVALID'],
    ['rubbish for a cursor in the header', '/sse/public?room=a', { 'last-event-id': 'x' }, 400, 'CURSOR_INVALID'],
    ['a foreign origin', '/sse/public?room=a', { origin: 'https://evil.example' }, 403, 'FORBIDDEN'],
  ])('[B35] [B31] is told by status and code: %s', async (_, path, headers, status, code) => {
    const { url, roomful } = await serve()
    expect(await errorOf(await fetch(url + path, { headers }))).toEqual([status, code])
    await until('nothing to be left', () => hubOf(roomful).links.open.size === 0)
  })

  it('[C14] names every room that is refused, and a cursor of another namespace', async () => {
    const { url } = await serve({}, (roomful) => {
      roomful
        .namespace('/board')
        .room('open:*')
        .room('shut:*', { allow: { join: () => false } })
    })
    const paths = ['open:1', 'shut:1', 'shut:2'].map((room) => `room=${room}`).join('&')
    const refused = await fetch(`${url}/sse/board?${paths}`, { headers: bearer('ann') })
    const { error } = (await refused.json()) as { error: { message: string } }
    expect([refused.status, error.message]).toEqual([403, 'You are not allowed to join "shut:1", "shut:2"'])
    const ann = await stream(`${url}/sse/public?name=Ann`)
    const { $id } = await ann.next('welcome')
    const foreign = await fetch(`${url}/sse/board?after=${$id}`, { headers: bearer('ann') })
    expect(await errorOf(foreign)).toEqual([400, 'CURSOR_INVALID'])
  })

  it('[B33] names the limit of connections per address, and frees the place', async () => {
    const { url, roomful } = await serve({ maxConnectionsPerIp: 1 })
    const ann = await stream(`${url}/sse/public?name=Ann`)
    expect(await errorOf(await fetch(`${url}/sse/public`))).toEqual([429, 'TOO_MANY_CONNECTIONS'])
    ann.source.close()
    await until('the place', () => hubOf(roomful).links.open.size === 0)
    await stream(`${url}/sse/public?name=Ben`)
  })
})
