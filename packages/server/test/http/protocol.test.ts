/** A protocol of one's own is a link like every other: the same door, the same rules, the same end. */
import {
  createRoomful,
  type Namespace,
  type ProtocolConnection,
  type ProtocolHandler,
  type Roomful,
} from '@roomful/server'
import { SignJWT } from 'jose'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'

const SECRET = 'a secret that is long enough for HS256'
const running: Roomful[] = []
afterEach(() => Promise.all(running.splice(0).map((roomful) => roomful.close())))

interface Serving {
  readonly url: string
  readonly roomful: Roomful
  readonly namespace: Namespace
  readonly peers: ProtocolConnection[]
  readonly closed: string[]
  /** Who may write since when, as told. */
  readonly rights: boolean[]
}

/** A protocol that tells everybody what anybody says, and lets sellers say nothing. */
async function serve(
  settings: Parameters<typeof createRoomful>[0] = {},
  handle: (peer: ProtocolConnection) => Partial<ProtocolHandler> = () => ({}),
): Promise<Serving> {
  const roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET, ...settings })
  running.push(roomful)
  const namespace = roomful.namespace('/boards')
  namespace.room('*', { allow: { join: ({ role }) => role !== 'support', publish: ({ role }) => role !== 'seller' } })
  const peers: ProtocolConnection[] = []
  const closed: string[] = []
  const rights: boolean[] = []
  roomful.protocol('/board', namespace, {
    name: 'board',
    maxMessageBytes: 1_000,
    ratePerSecond: 100,
    refusal: ({ code }) => Buffer.from(code),
    async open(peer) {
      peers.push(peer)
      let mayWrite = await peer.may('publish')
      return {
        handleMessage: (data) => {
          if (mayWrite) for (const each of peers) each.send(data)
        },
        onUserChanged: async () => {
          mayWrite = await peer.may('publish')
          rights.push(mayWrite)
        },
        onClosed: () => void closed.push(peer.user.sub),
        ...handle(peer),
      }
    },
  })
  const { port } = await roomful.listen({ port: 0 })
  return { url: `ws://localhost:${port}`, roomful, namespace, peers, closed, rights }
}

function token(sub: string, role = 'user'): Promise<string> {
  return new SignJWT({ sub, name: sub, role })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(SECRET))
}

interface Client {
  readonly socket: WebSocket
  readonly heard: string[]
  readonly end: Promise<{ code: number; reason: string }>
}

function connect(url: string, protocols: string[] = []): Client {
  const socket = new WebSocket(url, protocols)
  const heard: string[] = []
  socket.on('message', (data: Buffer) => void heard.push(data.toString()))
  socket.on('error', () => undefined)
  const end = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  return { socket, heard, end }
}

async function open(url: string, protocols: string[] = []): Promise<Client> {
  const client = connect(url, protocols)
  await new Promise((resolve) => client.socket.once('open', resolve))
  return client
}

const bytes = (text: string): Buffer => Buffer.from(text)

describe('a protocol of one’s own', () => {
  it('[Y1] carries bytes between those in a room, who are in its presence and in /health', async () => {
    const { url, namespace, peers } = await serve()
    const ann = await open(`${url}/board/a%20plan?token=${await token('ann')}`)
    ann.socket.send(bytes('too early to be lost'))
    await vi.waitFor(() => expect(ann.heard).toEqual(['too early to be lost']))
    const ben = await open(`${url}/board/a%20plan`, ['roomful.plain', `bearer.${await token('ben')}`])
    await vi.waitFor(() => expect(peers).toHaveLength(2))
    ben.socket.send(bytes('hello'))
    await vi.waitFor(() => expect([ann.heard.at(-1), ben.heard]).toEqual(['hello', ['hello']]))
    expect((await namespace.roomUsers('a plan')).map(({ userId }) => userId)).toEqual(['ann', 'ben'])
    const health = await (await fetch(`${url.replace('ws', 'http')}/health`)).json()
    expect(health).toEqual({ status: 'ok', clients: 2 })
    ann.socket.close()
    await vi.waitFor(async () => expect(await namespace.roomUsers('a plan')).toHaveLength(1))
  })

  it('[Y2] [H2] closes what no token opens, as every link is closed', async () => {
    const { url } = await serve()
    expect(await connect(`${url}/board/x?token=rubbish`).end).toMatchObject({ code: 4001 })
    const silent = await open(`${url}/board/x`)
    silent.socket.send(bytes('hello'))
    expect(await silent.end).toEqual({ code: 1008, reason: 'Not authenticated' })
    const strict = await serve({ firstMessageAuth: false })
    expect(await connect(`${strict.url}/board/x`).end).toMatchObject({ code: 4001 })
  })

  it('[Y2] takes the token of a first message, and of a later one', async () => {
    const { url, peers, rights, roomful } = await serve()
    const ann = await open(`${url}/board/x`)
    ann.socket.send(JSON.stringify({ type: 'auth', token: await token('ann') }))
    await vi.waitFor(() => expect(peers).toHaveLength(1))
    ann.socket.send(JSON.stringify({ type: 'auth', token: await token('ann', 'seller') }))
    await vi.waitFor(() => expect(rights).toEqual([false]))
    ann.socket.send(bytes('unheard'))
    ann.socket.ping()
    await new Promise((resolve) => ann.socket.once('pong', resolve)) // and so it has been looked at
    await roomful.setRole('ann', 'user')
    await vi.waitFor(() => expect(rights).toEqual([false, true]))
    ann.socket.send(bytes('heard'))
    await vi.waitFor(() => expect(ann.heard).toEqual(['heard']))
  })

  it('[Y3] [G8] lets in whom the rules of the room let in, for as long as they do', async () => {
    const { url, roomful, closed } = await serve()
    const outsider = connect(`${url}/board/x?token=${await token('otto', 'support')}`)
    expect(await outsider.end).toMatchObject({ code: 4003 })
    expect(outsider.heard).toEqual(['FORBIDDEN'])
    const [ann, ben] = [await open(`${url}/board/x?token=${await token('ann')}`), await token('ben')]
    ann.socket.send(bytes('here'))
    await vi.waitFor(() => expect(ann.heard).toEqual(['here']))
    const later = await open(`${url}/board/x?token=${ben}`)
    later.socket.send(bytes('here too'))
    await vi.waitFor(() => expect(later.heard).toEqual(['here too']))
    await roomful.setRole('ann', 'support')
    await roomful.ban('ben')
    expect([(await ann.end).code, (await later.end).code]).toEqual([4003, 4003])
    expect(closed.sort()).toEqual(['ann', 'ben'])
  })

  it('[Y4] refuses names that are none, pages of other sites, and too many of one address', async () => {
    const { url } = await serve({ maxConnectionsPerIp: 1, loopbackExempt: false } as object)
    const status = (path: string, origin = 'http://localhost:1'): Promise<number | undefined> =>
      new Promise((resolve) => {
        const socket = new WebSocket(url + path, { origin })
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
        socket.on('error', () => undefined)
      })
    for (const name of ['%7B', 'user:ann', 'c_1234', '%E0%A4%A', 'x'.repeat(129)]) {
      expect(await status(`/board/${name}`), name).toBe(404)
    }
    expect(await status('/board/x', 'https://evil.example')).toBe(403)
    await open(`${url}/board/x?token=${await token('ann')}`)
    const second = connect(`${url}/board/x?token=${await token('ann')}`)
    expect(await second.end).toMatchObject({ code: 1008, reason: expect.stringContaining('at most 1') })
    expect(second.heard).toEqual(['TOO_MANY_CONNECTIONS'])
  })

  it('[Y5] closes for what is too large, for what cannot be handled, and for a flood', async () => {
    const { url, closed } = await serve({}, () => ({
      handleMessage: (data) => {
        if (data[0] === 0) throw new Error('cannot be handled')
      },
    }))
    const join = async (sub: string): Promise<Client> => open(`${url}/board/x?token=${await token(sub)}`)
    const [ann, ben, eve] = [await join('ann'), await join('ben'), await join('eve')]
    ann.socket.send(Buffer.alloc(1_001, 1))
    ben.socket.send(Buffer.alloc(1))
    for (let sent = 0; sent <= 5_000; sent++) eve.socket.send(Buffer.alloc(1, 1))
    const ends = await Promise.all([ann.end, ben.end, eve.end])
    expect(ends.map(({ code }) => code)).toEqual([1009, 1011, 1008])
    await vi.waitFor(() => expect(closed.sort()).toEqual(['ann', 'ben', 'eve']))
  })

  it('[Y6] [C15] is told 1012 when the server shuts down', async () => {
    const { url, roomful, closed } = await serve()
    const ann = await open(`${url}/board/x?token=${await token('ann')}`)
    ann.socket.send(bytes('here'))
    await vi.waitFor(() => expect(ann.heard).toEqual(['here']))
    await roomful.close()
    expect(await ann.end).toEqual({ code: 1012, reason: 'Server shutting down' })
    expect(closed).toEqual(['ann'])
  })

  it('[Y7] [G5] hears when a slow peer can take more, and bounds what waits for it', async () => {
    const drained: string[] = []
    const { url, peers } = await serve({ outboxBytes: 1_024 }, (peer) => ({
      onDrained: () => void drained.push(peer.user.sub),
    }))
    const ann = await open(`${url}/board/x?token=${await token('ann')}`)
    await vi.waitFor(() => expect(peers).toHaveLength(1))
    const [peer] = peers
    ann.socket.pause()
    const block = Buffer.alloc(1_000_000)
    while (!peer?.isSlow) {
      peer?.send(block)
      await new Promise(setImmediate)
    }
    ann.socket.resume()
    await vi.waitFor(() => expect(drained).toEqual(['ann']))
    ann.socket.pause()
    while (peer?.isOpen) {
      peer.send(block)
      await new Promise(setImmediate)
    }
    ann.socket.resume()
    expect(await ann.end).toMatchObject({ code: 4008 })
  })
})
