/** What no official client sends: unknown sessions, overlapping polls, packets that are none. R4. */

import { once } from 'node:events'
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { connect, serve, token } from './serve.ts'

const POLL = '/socket.io/?EIO=4&transport=polling'

async function openPolling(url: string): Promise<string> {
  const opened = await (await fetch(url + POLL)).text()
  return `${url}${POLL}&sid=${JSON.parse(opened.slice(1)).sid}`
}

const post = (session: string, body: string) => fetch(session, { method: 'POST', body })

/** A WebSocket that has said these things. @returns the code it is closed with */
async function closedAfter(url: string, ...messages: (string | Uint8Array)[]): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('message', resolve))
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  socket.send(`40{"token":"${await token('ann')}"}`)
  await new Promise((resolve) => socket.once('message', resolve))
  for (const message of messages) socket.send(message)
  return closed
}

describe('a Socket.IO request that makes no sense', () => {
  it('[J1] [R4] is refused before there is a session', async () => {
    const { url } = await serve()
    const refused = async (query: string, init?: RequestInit) => {
      const response = await fetch(`${url}/socket.io/?${query}`, init)
      return [response.status, ((await response.json()) as { code: number }).code]
    }
    expect(await refused('EIO=4&transport=polling&sid=unknown')).toEqual([400, 1])
    expect(await refused('EIO=4&transport=carrier-pigeon')).toEqual([400, 0])
    expect(await refused('EIO=3&transport=polling')).toEqual([400, 5])
    expect(await refused('EIO=4&transport=polling', { method: 'POST', body: '40' })).toEqual([400, 2])
    const foreign = { headers: { Origin: 'https://evil.example' } }
    expect(await refused('EIO=4&transport=polling', foreign)).toEqual([403, 4])
  })

  it('[H16] [R6] opens no WebSocket for the page of another site, and lets an allowed page read', async () => {
    const { url } = await serve({ corsOrigin: ['https://app.example'] })
    const target = `${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`
    const socket = new WebSocket(target, { origin: 'https://evil.example' })
    const status = new Promise((resolve) => {
      socket.on('error', () => undefined)
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
    })
    expect(await status).toBe(403)
    const allowed = await fetch(url + POLL, { headers: { Origin: 'https://app.example' } })
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example')
  })

  it('[J2] ends the session: two polls at once, a POST over the limit', async () => {
    const { url, roomful } = await serve()
    const twice = await openPolling(url)
    const polls = await Promise.all([fetch(twice), fetch(twice)])
    expect(polls.map(({ status }) => status).sort()).toEqual([200, 400])
    expect((await fetch(twice)).status).toBe(400)

    const large = await openPolling(url)
    const parked = fetch(large)
    expect((await post(large, `4${'x'.repeat(300_000)}`)).status).toBe(413)
    expect(await (await parked).text()).toBe('1')
    expect((await fetch(large)).status).toBe(400)
    expect(hubOf(roomful).links.open.size).toBe(0)
  })

  it('[J3] is over when its client vanishes in the middle of a poll', async () => {
    const { url, roomful } = await serve()
    const session = await openPolling(url)
    const [link] = hubOf(roomful).links.open
    const gone = new Promise<void>((resolve) => {
      const closed = link?.closed.bind(link)
      if (link) link.closed = (code, reason) => resolve(closed?.(code, reason))
    })
    const abort = new AbortController()
    const poll = fetch(session, { signal: abort.signal }).catch(() => 'aborted')
    await post(session, '3')
    abort.abort()
    expect(await poll).toBe('aborted')
    await gone
    expect(hubOf(roomful).links.open.size).toBe(0)
    expect((await fetch(session)).status).toBe(400)
  })
})

describe('a Socket.IO packet that is none', () => {
  const deep = `42["message:send",${'['.repeat(60_000)}${']'.repeat(60_000)}]`
  it.each<[string, (string | Uint8Array)[]]>([
    ['unknown', ['4abc']],
    ['no array', ['42{}']],
    ['an event that only the client may name', ['42["connect"]']],
    ['not connected there', ['42/support,["room:list"]']],
    ['a refusal of the server’s', ['44{"message":"no"}']],
    ['a ping, which is the server’s', ['2']],
    ['bytes that nothing announced', [new Uint8Array([1, 2])]],
    ['text where bytes were announced', ['451-["a",{"_placeholder":true,"num":0}]', '42["room:list"]']],
    ['more attachments than a message holds', ['4517-["a"]']],
    ['a placeholder of nothing', ['451-["a",{"_placeholder":true,"num":9}]', new Uint8Array([1])]],
    ['too deep', [deep]],
  ])('[J4] [R4] closes the link: %s', async (_name, messages) => {
    const { url, roomful } = await serve()
    expect(await closedAfter(url, ...messages)).toBe(1002)
    expect(hubOf(roomful).namespace('/')?.connections.size).toBe(0)
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok', clients: 0 })
  })

  it('[J5] but one that is too large is told so, with its attachments counted', async () => {
    const { url } = await serve()
    const ann = await connect(url, 'websocket', 'ann')
    const half = Buffer.alloc(40_000)
    expect(await ann.emitWithAck('message:send', half, half)).toMatchObject({ status: 'error', code: 'TOO_LARGE' })
    const long = { roomId: 'a', content: 'x'.repeat(70_000) }
    expect(await ann.emitWithAck('message:send', long)).toMatchObject({ status: 'error', code: 'TOO_LARGE' })
    expect(await ann.emitWithAck('room:list')).toMatchObject({ status: 'ok' })
  })
})

describe('a Socket.IO link', () => {
  it('[J19] [R4] whose attachments never come lives on its heartbeat, holds up nobody, and goes on when they come', async () => {
    const { url, roomful } = await serve({ socketioPingIntervalMs: 100, socketioPingTimeoutMs: 1_000 })
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
    const told: string[] = []
    socket.on('message', (data: Buffer) => {
      told.push(data.toString())
      if (data.toString() === '2') socket.send('3')
    })
    const until = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) await once(socket, 'message')
    }
    await until(() => told.length > 0)
    socket.send(`40{"token":"${await token('ann')}"}`)
    await until(() => told.some((packet) => packet.startsWith('40')))
    socket.send('451-7["room:join",{"roomId":"a","more":{"_placeholder":true,"num":0}}]')
    const ben = await connect(url, 'websocket', 'ben')
    expect(await ben.emitWithAck('room:join', 'a')).toMatchObject({ status: 'ok' })
    await until(() => told.filter((packet) => packet === '2').length >= 3)
    expect(told.filter((packet) => packet.startsWith('43'))).toEqual([])
    socket.send(new Uint8Array([1]))
    await until(() => told.some((packet) => packet.startsWith('437')))
    socket.send('451-8["room:join",{"_placeholder":true,"num":0}]')
    const gone = new Promise((resolve) => hubOf(roomful).namespace('/')?.hook('disconnect', resolve))
    socket.terminate()
    await gone
    expect(hubOf(roomful).links.open.size).toBe(1)
  })

  it('[J18] [R6] is out of reach by its id for the page of another site, for a guess, and once it is carried by a WebSocket', async () => {
    const { url } = await serve()
    const session = await openPolling(url)
    const evil = { headers: { Origin: 'https://evil.example' } }
    expect((await fetch(session, evil)).status).toBe(403)
    expect((await fetch(session, { ...evil, method: 'POST', body: '40' })).status).toBe(403)
    const thief = new WebSocket(session.replace('http', 'ws').replace('polling', 'websocket'), {
      origin: 'https://evil.example',
    })
    thief.on('error', () => undefined)
    expect(
      await new Promise((resolve) => thief.once('unexpected-response', (_, { statusCode }) => resolve(statusCode))),
    ).toBe(403)
    await post(session, `40{"token":"${await token('ann')}"}`)
    expect(await (await fetch(session)).text(), 'its own client noticed nothing').toMatch(/^40/)

    const guess = session.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))
    expect((await fetch(guess)).status).toBe(400)

    const ben = await connect(url, 'upgraded', 'ben')
    const stolen = `${url}${POLL}&sid=${ben.io.engine.id}`
    expect((await fetch(stolen)).status).toBe(400)
    expect((await post(stolen, '41')).status).toBe(400)
    expect(await ben.emitWithAck('room:list')).toMatchObject({ status: 'ok' })
  })

  it('[J6] that connects to nothing is closed in time', async () => {
    const { url } = await serve({ authDeadlineMs: 100 })
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(4001)
  })

  it('[J7] whose upgrade asks for something else goes on polling', async () => {
    const { url } = await serve()
    const session = await openPolling(url)
    const socket = new WebSocket(session.replace('http', 'ws').replace('polling', 'websocket'))
    await new Promise((resolve) => socket.once('open', resolve))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.send('5')
    await closed
    await post(session, `40{"token":"${await token('ann')}"}`)
    expect(await (await fetch(session)).text()).toMatch(/^40\{"sid":"c_/)
  })

  it.each(['polling', 'websocket'])('[J16] [E2] that falls silent is cut, over %s', async (way) => {
    const { url, roomful } = await serve({ socketioPingIntervalMs: 200, socketioPingTimeoutMs: 100 })
    const gone = new Promise<string>((resolve) => {
      hubOf(roomful)
        .namespace('/')
        ?.hook('disconnect', (_connection, reason) => resolve(reason))
    })
    const open = `40{"token":"${await token('ann')}"}`
    if (way === 'websocket') {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
      socket.once('message', () => socket.send(open))
    } else {
      await post(await openPolling(url), open) // and it never asks what there is
    }
    expect(await gone).toBe('heartbeat timeout')
    expect(hubOf(roomful).links.open.size).toBe(0)
  })

  it('[J8] of one address too many is told so', async () => {
    const { url } = await serve({ maxConnectionsPerIp: 1 })
    await connect(url, 'websocket', 'ann')
    const told = await (await fetch(url + POLL)).text()
    expect(told.split('\u001e').map((packet) => packet[0])).toEqual(['0', '4', '1'])
    expect(told).toContain('"code":"TOO_MANY_CONNECTIONS"')
  })
})
