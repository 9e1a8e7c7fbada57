/** Several namespaces on one link: what goes wrong in one stays there, and a client may come and go as fast as it likes. */
import { generateKeyPairSync } from 'node:crypto'
import { RoomfulError } from '@roomful/server'
import type { Socket } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { rsaToken } from '../auth/bad-tokens.ts'
import { client, connect, next, refusal, serve, token, WAYS, type Way } from './serve.ts'

/** A user's chat, and how often it was cut. */
async function chatOn(url: string, way: Way): Promise<{ chat: Socket; cuts: () => number }> {
  const chat = await connect(url, way, 'ann', { ...WAYS[way] } as Parameters<typeof client>[2])
  let cuts = 0
  chat.on('disconnect', () => cuts++)
  return { chat, cuts: () => cuts }
}

const guests = { guests: true } as const

describe.each(['websocket', 'polling'] satisfies Way[])('one namespace of several, over %s', (way) => {
  it.each([
    [
      'an ordinary Error',
      () => new Error('the table is missing'),
      { code: 'INTERNAL', message: 'Something went wrong on the server' },
    ],
    ['nothing', () => undefined, { code: 'INTERNAL', message: 'Something went wrong on the server' }],
    [
      'UNAVAILABLE',
      () => new RoomfulError('UNAVAILABLE', 'Not now', { retryAfterMs: 1 }),
      { code: 'UNAVAILABLE', message: 'Not now', retryAfter: 1 },
    ],
    ['TIMEOUT', () => new RoomfulError('TIMEOUT', 'Too slow'), { code: 'TIMEOUT', message: 'Too slow' }],
  ])('[J20] whose check throws %s is refused with a code, and the others stay', async (_name, thrown, data) => {
    const { url } = await serve({}, (roomful) => {
      roomful.namespace('/reports', undefined, guests).use(() => {
        throw thrown()
      })
    })
    const { chat, cuts } = await chatOn(url, way)
    for (const _ of [1, 2]) {
      const reports = chat.io.socket('/reports')
      if (!reports.active) reports.connect()
      expect(await refusal(reports)).toEqual({ message: data.message, data })
    }
    expect(await chat.emitWithAck('room:list')).toMatchObject({ status: 'ok' })
    expect(cuts()).toBe(0)
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(
      `roomful_connections_refused_total{code="${data.code}"} 2`,
    )
  })

  it('[J20] that the server cannot open now is refused beside others, and cuts a link that carries nothing else', async () => {
    const { url } = await serve({ jwksUrl: 'http://127.0.0.1:9/keys' })
    const chat = client(`${url}/public`, way, { forceNew: false })
    await next(chat, 'connect')
    let cuts = 0
    chat.on('disconnect', () => cuts++)
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const auth = { token: rsaToken(privateKey, { sub: 'ann' }, { alg: 'RS256', kid: 'one' }) }
    const users = chat.io.socket('/', { auth })
    expect(await refusal(users)).toMatchObject({ data: { code: 'UNAVAILABLE' } })
    expect(cuts).toBe(0)
    const alone = client(url, way, { auth })
    const told = Promise.race([refusal(alone), new Promise((resolve) => alone.io.once('close', resolve))])
    expect(await told).toMatch(/^transport (close|error)$/) // it comes back by itself
  })

  it('[J20] whose check fails at a refresh is left, and the others stay', async () => {
    const { url } = await serve({}, (roomful) => {
      roomful.namespace('/reports').use(({ user }) => {
        if (user.name === 'Ann B.') throw new Error('the table is missing')
      })
    })
    const { chat, cuts } = await chatOn(url, way)
    const reports = chat.io.socket('/reports', { auth: { token: await token('ann') } })
    await next(reports, 'connect')
    const gone = next(reports, 'disconnect')
    reports.emit('auth', { token: await token('ann', 'Ann B.') })
    expect((await gone)[0]).toBe('io server disconnect')
    expect(await chat.emitWithAck('room:list')).toMatchObject({ status: 'ok' })
    expect(cuts()).toBe(0)
  })

  it.each<[string, (panel: Socket) => void]>([
    ['connects, leaves and connects at once', (panel) => panel.disconnect().connect()],
    ['connects twice', (panel) => panel.connect()],
    ['does so three times', (panel) => panel.disconnect().connect().disconnect().connect()],
  ])('[J21] that a client %s is connected once, and the others stay', async (_name, mount) => {
    const { url, roomful } = await serve({}, (server) => {
      server.namespace('/panel', undefined, guests).on('who', ({ id }) => id)
    })
    const { chat, cuts } = await chatOn(url, way)
    const panel = chat.io.socket('/panel')
    mount(panel)
    await next(panel, 'connect')
    await chat.emitWithAck('room:list') // what was on its way has been answered
    const id = await panel.emitWithAck('who')
    expect([...roomful.get('/panel').connections.keys()]).toEqual([id])
    expect(panel.id).toBe(id)
    expect(cuts()).toBe(0)
  })

  it('[J21] that a client left before the answer, and comes back to, is connected once', async () => {
    const { url, roomful } = await serve({}, (server) => {
      server.namespace('/panel', undefined, guests)
    })
    const { chat, cuts } = await chatOn(url, way)
    const opened = new Promise<void>((resolve) => roomful.get('/panel').hook('connect', () => resolve()))
    const panel = chat.io.socket('/panel')
    panel.disconnect()
    await opened
    panel.connect()
    await next(panel, 'connect')
    await chat.emitWithAck('room:list') // the answer to the first one may have come before that to the second
    expect([...roomful.get('/panel').connections.keys()]).toEqual([panel.id])
    expect(cuts()).toBe(0)
  })
})

describe('a Socket.IO link by hand', () => {
  async function raw(
    url: string,
  ): Promise<{ say: (packet: string) => void; until: (start: string) => Promise<string> }> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
    const told: string[] = []
    let changed = (): void => undefined
    socket.on('message', (data) => {
      told.push(String(data))
      changed()
    })
    socket.on('close', (code) => {
      told.push(`closed ${code}`)
      changed()
    })
    await new Promise((resolve) => socket.once('open', resolve))
    return {
      say: (packet) => socket.send(packet),
      until: async (start) => {
        for (;;) {
          const at = told.findIndex((packet) => packet.startsWith(start))
          if (at >= 0) return told.splice(0, at + 1).at(-1) as string
          await new Promise<void>((resolve) => {
            changed = resolve
          })
        }
      },
    }
  }

  it('[J22] what still comes for a namespace that was left, or that it was put out of, is dropped and counted', async () => {
    const { url, roomful } = await serve({}, (server) => {
      server.namespace('/panel', undefined, guests)
    })
    const link = await raw(url)
    link.say(`40{"token":"${await token('ann')}"}`)
    link.say('40/panel,')
    const { sid } = JSON.parse((await link.until('40/panel,')).slice(9))
    roomful.get('/panel').disconnect(sid)
    await link.until('41/panel,')
    for (const late of [
      '42/panel,["x"]',
      '43/panel,1["answer"]',
      '41/panel,',
      '451-/panel,["x",{"_placeholder":true,"num":0}]',
    ]) {
      link.say(late)
      if (late.startsWith('45')) link.say(Buffer.from([1]) as unknown as string)
    }
    link.say('421["room:list"]')
    expect(await link.until('43')).toMatch(/^431\[\{"status":"ok"/)
    link.say('40/panel,')
    await link.until('40/panel,')
    link.say('41/panel,')
    link.say('42/panel,["x"]')
    link.say('422["room:list"]')
    expect(await link.until('43')).toMatch(/^432/)
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('roomful_dropped_total{what="late"} 5')
    link.say('42/never,["x"]')
    expect(await link.until('closed')).toBe('closed 1002')
  })

  it('[J21] a second CONNECT on an open namespace takes the session along when it brings it', async () => {
    const { url, roomful } = await serve()
    const link = await raw(url)
    const auth = { token: await token('ann') }
    link.say(`40${JSON.stringify(auth)}`)
    const { sid, pid } = JSON.parse((await link.until('40')).slice(2))
    link.say('421["room:join","a"]')
    await link.until('431')
    const ben = await connect(url, 'websocket', 'ben')
    await ben.emitWithAck('room:join', 'a')
    const left: unknown[] = []
    ben.on('user:left', (gone: unknown) => left.push(gone))
    link.say(`40${JSON.stringify({ ...auth, pid })}`)
    const again = JSON.parse((await link.until('40')).slice(2))
    expect(again.pid).toBe(pid)
    expect(roomful.get('/').connections.has(again.sid)).toBe(true)
    expect(roomful.get('/').connections.size).toBe(2)
    expect(again.sid === sid || !roomful.get('/').connections.has(sid)).toBe(true)
    await ben.emitWithAck('message:send', { roomId: 'a', content: 'hello' })
    expect(await link.until('42["message:new"')).toContain('hello')
    expect(left).toEqual([])
  })
})
