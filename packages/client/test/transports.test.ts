/** Every way from the SDK to a real server, through a proxy that does not let every way through. C17. */

import { type Client, type ClientOptions, connect, type RoomfulError, type TransportName } from '@roomful/client'
import { createRoomful, type Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Middlebox } from './support/middlebox.ts'

let roomful: Roomful
let proxy: Middlebox
let clients: Client[]

/** From a quarter of a minute on, of which half is left to chance. */
const CLIMB_PAUSES_MS = [1, 2, 4, 8].map((times) => 15_000 * times * (1 - 0.9 / 2))

/** On it the pauses between two tries of a better way are short, and everything else takes its time. */
const impatient = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms: number, fn: () => void) {
    const timer = setTimeout(fn, CLIMB_PAUSES_MS.includes(ms) ? 30 : ms)
    return () => clearTimeout(timer)
  },
}

function open(name: string, options: ClientOptions = {}): Client {
  const storage = { getItem: () => null, setItem: () => undefined }
  const client = connect(proxy.url, { namespace: '/public', name, random: () => 0.9, storage, ...options })
  clients.push(client)
  return client
}

const transportOf = ({ state }: Client): string | undefined => ('transport' in state ? state.transport : undefined)
const untilCarried = (client: Client, by: TransportName): Promise<void> =>
  vi.waitFor(() => expect([client.state.status, transportOf(client)]).toEqual(['open', by]), { timeout: 5_000 })

beforeEach(async () => {
  clients = []
  const settings = { data: ':memory:', jwtSecret: 'x'.repeat(32), ratePerSecond: 0, ratePerMinute: 0 }
  roomful = createRoomful(settings).standardNamespaces()
  const echo = roomful.namespace('/echo', undefined, { guests: true })
  echo.on('echo', (_context, ...args) => args[0])
  const { port } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  proxy = await new Middlebox(port).listen()
})

afterEach(async () => {
  for (const client of clients) client.close()
  await proxy.close()
  await roomful.close()
})

describe.each<TransportName>(['websocket', 'sse', 'poll'])('by %s alone', (transport) => {
  const only = { transports: [transport] }

  it('[C17] what is said arrives as it was, in order, and is answered', async () => {
    const [ann, bob] = [open('Ann', only), open('Bob', only)]
    const [room, other] = [ann.room('lobby'), bob.room('lobby')]
    await Promise.all([room.ready, other.ready])
    expect([transportOf(ann), ann.state]).toMatchObject([transport, { status: 'open' }])
    const received: string[] = []
    const last = new Promise<void>((resolve) => {
      other.on('message:new', ({ content }) => {
        received.push(content)
        if (content === 'last') resolve()
      })
    })
    const said = ['one\ntwo\r\n3', '👩‍👩‍👧 ☃ \u2028 data: {}', ' ', 'x'.repeat(65_000), 'é'.repeat(32_000), 'last']
    const answers = await Promise.all(said.map((content) => room.send(content)))
    await last
    expect(received).toEqual(said)
    expect(answers.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
    expect(new Set(other.members.map(({ name }) => name))).toEqual(new Set(['Ann', 'Bob']))
  })

  it('[C1] an empty payload, bytes and a flood of requests come back as they went', async () => {
    const client = open('Ann', { ...only, namespace: '/echo' })
    await expect(client.request('echo')).resolves.toBeNull()
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i % 256)
    await expect(client.request('echo', bytes)).resolves.toEqual(bytes)
    const many = Array.from({ length: 700 }, (_, i) => client.request('echo', i))
    expect(await Promise.all(many)).toEqual(Array.from({ length: 700 }, (_, i) => i))
  })

  it('[C18] [G6] cuts lose nothing and repeat nothing, and no member sees the client leave', async () => {
    const random = () => 0.99 // hardly any pause before coming back
    const ann = open('Ann', { ...only, random })
    const watcher = open('Watcher', { random })
    const [room, other] = [ann.room('lobby'), watcher.room('lobby')]
    const [received, gone]: [string[], unknown[]] = [[], []]
    const last = new Promise<void>((resolve) => {
      other.on('message:new', ({ content }) => {
        received.push(content)
        if (content === '24') resolve()
      })
    })
    other.on('user:left', (left) => gone.push(left))
    const own: string[] = []
    room.on('message:new', ({ content }) => own.push(content))
    await Promise.all([room.ready, other.ready])
    const said = Array.from({ length: 25 }, (_, i) => `${i}`)
    const sends = said.map((content) => room.send(content))
    for (let i = 0; i < 4; i++) {
      await sends[i * 5]
      proxy.cut()
    }
    await Promise.all(sends)
    await last
    expect([received, gone]).toEqual([said, []])
    await vi.waitFor(() => expect(own).toEqual(said))
    expect(ann.state).toMatchObject({ status: 'open', recovered: true, transport })
  })

  it('[C13] a goodbye is delivered at once, and leaves no link', async () => {
    const [ann, bob] = [open('Ann', only), open('Bob', only)]
    const [room, other] = [ann.room('lobby'), bob.room('lobby')]
    await Promise.all([room.ready, other.ready])
    await vi.waitFor(() => expect(other.members).toHaveLength(2))
    ann.close()
    await vi.waitFor(() => expect(other.members.map(({ name }) => name)).toEqual(['Bob']))
    bob.close()
    await vi.waitFor(() => expect(hubOf(roomful).links.open.size).toBe(0))
  })

  it('[A2.3] a refusal ends it with its code', async () => {
    const client = open('', { ...only, namespace: '/', token: 'not.a.token' })
    await vi.waitFor(() => expect(client.state.status).toBe('closed'))
    expect(client.state).toMatchObject({ ending: { code: 4001, error: { code: 'TOKEN_INVALID' } } })
  })
})

describe('[C17] when no WebSocket gets through', () => {
  it.each(['cut', 'answer', 'swallow', 'mute'] as const)(
    'because upgrades are met with “%s”, a stream does',
    async (what) => {
      proxy.rules.upgrades = what
      const client = open('Ann', { connectTimeoutMs: 500 })
      const states = new Set<string>()
      client.subscribe(() => states.add(client.state.status))
      await expect(client.room('lobby').send('hello')).resolves.toMatchObject({ seq: 1 })
      expect(transportOf(client)).toBe('sse')
      expect([...states]).toEqual(['connecting', 'authenticating', 'open'].filter((status) => states.has(status)))
      expect(hubOf(roomful).namespace('/public')?.connections.size).toBe(1)
    },
  )

  it('because there is no constructor, a stream does', async () => {
    vi.stubGlobal('WebSocket', undefined)
    try {
      const client = open('Ann')
      await untilCarried(client, 'sse')
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('and streams are held back, polls do', async () => {
    Object.assign(proxy.rules, { upgrades: 'cut', streams: 'hold' })
    const client = open('Ann', { connectTimeoutMs: 300 })
    await untilCarried(client, 'poll')
    await expect(client.room('lobby').send('hello')).resolves.toMatchObject({ seq: 1 })
  })

  it('what worked is tried first for a while, by the next page too', async () => {
    proxy.rules.upgrades = 'cut'
    const kept = new Map<string, string>()
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    }
    await untilCarried(open('Ann', { storage }), 'sse')
    const tries = (): number => proxy.seen.filter((each) => each === 'UPGRADE').length
    expect(tries()).toBe(1)
    proxy.cut()
    await vi.waitFor(() => expect(clients[0]?.state).toMatchObject({ status: 'open', recovered: true }))
    await untilCarried(open('Bob', { storage }), 'sse')
    expect(tries()).toBe(1)
  })

  it('and it stays so, that is said once', async () => {
    proxy.rules.upgrades = 'cut'
    const errors: string[] = []
    const onError = ({ code, message }: RoomfulError): void => void errors.push(`${code}: ${message}`)
    const client = open('Ann', { clock: impatient, connectTimeoutMs: 300, onError })
    const tries = (): number => proxy.seen.filter((each) => each === 'UPGRADE').length
    await vi.waitFor(() => expect(tries()).toBe(5), { timeout: 5_000 }) // at the start, and four to change over
    expect(errors).toEqual([
      `WEBSOCKET_BLOCKED: No WebSocket gets through to ${proxy.url.replace('http', 'ws')}/ws; the connection stays on HTTP`,
    ])
    expect(client.state).toMatchObject({ status: 'open', transport: 'sse' })
  })

  it('[C18] a stream that something on the way ends properly, within an event, is a cut', async () => {
    let endWithin: ((text: string) => boolean) | undefined
    const ending = async (...args: Parameters<typeof fetch>): Promise<Response> => {
      const response = await fetch(...args)
      if (!String(args[0]).includes('/link/sse') || !response.body) return response
      const pipe = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          if (!endWithin?.(Buffer.from(chunk).toString())) return controller.enqueue(chunk)
          endWithin = undefined
          controller.enqueue(chunk.subarray(0, chunk.length / 2))
          controller.terminate()
        },
      })
      return new Response(response.body.pipeThrough(pipe), response)
    }
    const ann = open('Ann', { transports: ['sse'], fetch: ending, random: () => 0.99 })
    const bob = open('Bob', { transports: ['websocket'] })
    const [room, other] = [ann.room('lobby'), bob.room('lobby')]
    const received: string[] = []
    room.on('message:new', ({ content }) => received.push(content))
    await Promise.all([room.ready, other.ready])
    endWithin = (text) => text.includes('"two"')
    for (const content of ['one', 'two', 'three']) await other.send(content)
    await vi.waitFor(() => expect(received).toEqual(['one', 'two', 'three']), { timeout: 5_000 })
    expect([endWithin, ann.state]).toMatchObject([undefined, { status: 'open', recovered: true, transport: 'sse' }])
  })

  it('a server that is merely down is not taken for a blocked one', async () => {
    const client = open('Ann')
    await untilCarried(client, 'websocket')
    proxy.rules.upgrades = 'cut'
    proxy.cut()
    await vi.waitFor(() => expect(client.state.status).toBe('waiting'))
    const status = new Promise((resolve) => {
      const off = client.subscribe(() => {
        if (client.state.status === 'connecting') {
          off()
          proxy.rules.upgrades = 'pass'
          resolve(undefined)
        }
      })
    })
    await status
    await untilCarried(client, 'websocket')
    expect(proxy.seen.filter((each) => each.includes('/link/'))).toEqual([])
  })
})

describe('[C17] [D9] when a WebSocket gets through again', () => {
  it.each(['sse', 'poll'] as const)('it takes over from %s unnoticed, while everyone talks', async (from) => {
    Object.assign(proxy.rules, { upgrades: 'cut', streams: from === 'sse' ? 'pass' : 'hold' })
    const ann = open('Ann', { clock: impatient, connectTimeoutMs: 300 })
    const bob = open('Bob', { transports: ['poll'] })
    const [room, other] = [ann.room('lobby'), bob.room('lobby')]
    const [received, gone, states]: [string[], unknown[], string[]] = [[], [], []]
    room.on('message:new', ({ content }) => received.push(content))
    other.on('user:left', (left) => gone.push(left))
    await Promise.all([room.ready, other.ready])
    expect(transportOf(ann)).toBe(from)
    const { state } = ann
    ann.subscribe(() => states.push(ann.state.status))
    proxy.rules.upgrades = 'pass'
    const said: string[] = []
    const sends: Promise<unknown>[] = []
    const keep = (send: Promise<unknown>): void => {
      send.catch(() => undefined) // checked below
      sends.push(send)
    }
    for (let i = 0; transportOf(ann) !== 'websocket'; i++) {
      said.push(`${i}`)
      keep((i % 2 ? room : other).send(`${i}`))
      // A passing request, which no repeat would save.
      keep(ann.request('room:list', {}))
      await new Promise((resolve) => setTimeout(resolve, 3))
      if (i > 300) throw new Error('It did not climb')
    }
    keep(room.send('last'))
    await Promise.all(sends)
    await vi.waitFor(() => expect(received.length).toBeGreaterThan(said.length))
    expect(received.toSorted()).toEqual([...said, 'last'].toSorted())
    expect([gone, new Set(states)]).toEqual([[], new Set(['open'])])
    expect(ann.state).toMatchObject({ connectionId: (state as { connectionId: string }).connectionId })
    await vi.waitFor(() => expect(hubOf(roomful).links.open.size).toBe(2))
  })
})
