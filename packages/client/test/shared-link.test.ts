/** Several namespaces over one link: what each has of its own, what they share, and how the link ends. C17, PROTOCOL.md 6. */
import { hubOf } from '@roomful/server/testing'
import '@roomful/client/eager'
import {
  type Client,
  createLink,
  type NamespaceOptions,
  type SharedLinkOptions,
  type TransportName,
} from '@roomful/client'
import { createRoomful, type Roomful } from '@roomful/server'
import { VirtualClock } from '@roomful/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hmacToken } from '../../server/test/auth/bad-tokens.ts'
import { FakeServer } from './support/fake-server.ts'
import { Middlebox } from './support/middlebox.ts'

const SECRET = 'x'.repeat(32)
const tokenOf = (sub: string, more: Record<string, unknown> = {}): string =>
  hmacToken(SECRET, { sub, name: sub, ...more })

let roomful: Roomful
let proxy: Middlebox
let clients: Client[]
let port: number

async function listen(at = 0): Promise<void> {
  const limits = { ratePerSecond: 0, ratePerMinute: 0 }
  roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET, ...limits }).standardNamespaces()
  for (let i = 0; i < 20; i++) {
    const namespace = roomful.namespace(`/n${i}`, undefined, { guests: true })
    namespace.on('echo', (_context, data) => data)
    namespace.on('say', (context, content) => {
      context.append('lobby', 'said', { content })
    })
  }
  ;({ port } = await roomful.listen({ port: at, host: '127.0.0.1' }))
}

/** Reconnects after a few milliseconds, since chance decides how much of the wait is left. */
function link(options: SharedLinkOptions = {}) {
  const storage = { getItem: () => null, setItem: () => undefined }
  const shared = createLink(proxy.url, { random: () => 0.99, storage, ...options })
  return (namespace: string, more: NamespaceOptions = {}): Client => {
    const client = shared.connect({ namespace, ...more })
    clients.push(client)
    return client
  }
}

const untilOpen = (...all: Client[]): Promise<void> =>
  vi.waitFor(() => expect(all.map(({ state }) => state.status)).toEqual(all.map(() => 'open')), { timeout: 5_000 })
const links = (): number => hubOf(roomful).links.open.size

beforeEach(async () => {
  clients = []
  await listen()
  proxy = await new Middlebox(port).listen()
})

afterEach(async () => {
  for (const client of clients) client.close()
  await proxy.close()
  await roomful.close()
})

describe.each<TransportName>(['websocket', 'sse', 'poll'])('one link by %s', (transport) => {
  const only = { transports: [transport], name: 'Ann' }

  it('[C17] carries several namespaces, each with its own rooms and answers', async () => {
    const open = link(only)
    const all = [open('/public'), open('/n0'), open('/n1')] as const
    await untilOpen(...all)
    expect(links()).toBe(1)
    const rooms = all.map((client) => client.room('lobby'))
    const received = rooms.map((room) => {
      const contents: unknown[] = []
      room.on('message:new', ({ content, seq }) => contents.push(content, seq))
      room.on('said', (data) => contents.push((data as { content: string }).content, (data as { seq: number }).seq))
      return contents
    })
    await Promise.all(rooms.map(({ ready }) => ready))
    await Promise.all([rooms[0]?.send('one'), all[1].request('say', 'two')])
    await vi.waitFor(() => expect(received).toEqual([['one', 1], ['two', 1], []]))
    const late = open('/n2') // the welcome was long ago
    await expect(late.request('echo', 'hi')).resolves.toBe('hi')
    expect(late.limits).toEqual(all[0].limits)
    expect(all.map(({ state }) => 'transport' in state && state.transport)).toEqual([transport, transport, transport])
    expect(links()).toBe(1)
  })

  it('[A2.3] loses a namespace that is refused, and no other', async () => {
    const open = link({ transports: [transport], token: tokenOf('ann') })
    const [chat, admin, nowhere] = [open('/'), open('/admin'), open('/nowhere')]
    await vi.waitFor(() => expect([admin.state.status, nowhere.state.status]).toEqual(['closed', 'closed']))
    await untilOpen(chat)
    expect(admin.state).toMatchObject({ ending: { code: 4003, error: { code: 'FORBIDDEN' } } })
    const { state } = chat
    admin.connect()
    await vi.waitFor(() => expect(admin.state.status).toBe('connecting'))
    await vi.waitFor(() => expect(admin.state.status).toBe('closed'))
    await expect(chat.room('lobby').send('still here')).resolves.toMatchObject({ seq: 1 })
    expect([chat.state, links()]).toEqual([state, 1])
  })

  it('[C13] ends with its last client; each one that goes says goodbye at once', async () => {
    const open = link(only)
    const watcher = link({ name: 'Watcher' })('/n0')
    const [one, two] = [open('/public'), open('/n0')]
    const room = watcher.room('lobby')
    await Promise.all([room.ready, two.room('lobby').ready])
    await untilOpen(one)
    await vi.waitFor(() => expect(room.members).toHaveLength(2))
    two.close()
    await vi.waitFor(() => expect(room.members).toHaveLength(1))
    expect([one.state.status, two.state.status, links()]).toEqual(['open', 'closed', 2])
    two.connect()
    await untilOpen(two)
    expect(links()).toBe(2)
    one.close()
    two.close()
    await vi.waitFor(() => expect(links()).toBe(1))
  })

  it('[C18] [G6] is cut and comes back as one, with all sessions', async () => {
    const open = link(only)
    const watcher = link({ name: 'Watcher' })('/n0')
    const gone: unknown[] = []
    watcher.on('user:left', (left) => gone.push(left))
    const all = [open('/public'), open('/n0'), open('/n1')]
    await Promise.all([watcher, ...all].map((client) => client.room('lobby').ready))
    // A session that comes back keeps the id of its connection, so what tells of a cut is the state in between.
    let cuts = new Set<unknown>()
    for (const client of all) {
      client.subscribe(() => {
        if (client.state.status !== 'open') cuts.add(client)
      })
    }
    for (let i = 0; i < 3; i++) {
      cuts = new Set()
      const cutAll = (): void => {
        // One between two polls is not hit.
        if (cuts.size === 0) proxy.cut()
        expect(cuts.size).toBe(all.length)
      }
      await vi.waitFor(cutAll, { timeout: 5_000 })
      await untilOpen(watcher, ...all)
      expect(all.map(({ state }) => 'recovered' in state && state.recovered)).toEqual([true, true, true])
    }
    // A polled link that was cut is not missed before its next poll is due.
    await vi.waitFor(() => expect(links()).toBe(2), { timeout: 12_000 })
    expect(gone).toEqual([])
  }, 20_000)

  it('uses channels again, and a second link only when sixteen are taken', async () => {
    const open = link(only)
    const stays = open('/public')
    for (let i = 0; i < 40; i++) {
      const client = open(`/n${i % 20}`)
      await untilOpen(client)
      client.close()
    }
    expect(links()).toBe(1)
    const many = Array.from({ length: 16 }, (_, i) => open(`/n${i}`)) // at once
    await untilOpen(stays, ...many)
    expect(links()).toBe(2)
    await expect(Promise.all(many.map((client, i) => client.request('echo', i)))).resolves.toEqual(
      many.map((_, i) => i),
    )
  }, 20_000)

  it('[C15] [G7] moves as one when the server restarts', async () => {
    const open = link(only)
    const all = [open('/public'), open('/n0')]
    await untilOpen(...all)
    await roomful.close()
    await listen(port)
    await vi.waitFor(() => expect(links()).toBe(1), { timeout: 8_000 })
    await untilOpen(...all)
    expect(links()).toBe(1)
  }, 15_000)
})

describe('what the namespaces of a link share', () => {
  it('[C8] a token is asked for once, when they connect and when it ends', async () => {
    const reasons: string[] = []
    const token = (reason: string): string => {
      reasons.push(reason)
      const exp = Date.now() / 1_000 + (reasons.length === 1 ? 31 : 600)
      return tokenOf('ann', { exp: Math.floor(exp) })
    }
    const open = link({ token })
    const all = [open('/'), open('/chat'), open('/n0')]
    await untilOpen(...all)
    await vi.waitFor(() => expect(reasons).toEqual(['connect', 'expiring']), { timeout: 5_000 })
    await expect(Promise.all(all.map((client) => client.request('room:list', {})))).resolves.toHaveLength(3)
    expect([reasons, all.map(({ state }) => state.status)]).toEqual([
      ['connect', 'expiring'],
      ['open', 'open', 'open'],
    ])
  }, 15_000)

  it('[C8] a token that is refused is replaced once', async () => {
    const reasons: string[] = []
    const token = (reason: string): string => {
      reasons.push(reason)
      return reasons.length === 1 ? tokenOf('ann', { exp: 1_000 }) : tokenOf('ann')
    }
    const open = link({ token })
    await untilOpen(open('/'), open('/chat'), open('/n0'))
    expect(reasons).toEqual(['connect', 'refused'])
    expect(links()).toBe(1)
  })

  it('[C17] [D9] a WebSocket takes the whole link over', async () => {
    Object.assign(proxy.rules, { upgrades: 'cut' })
    const soon = {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      after(ms: number, fn: () => void) {
        const isPause = [7_575, 15_150, 30_300, 60_600].includes(ms)
        const timer = setTimeout(fn, isPause ? 30 : ms)
        return () => clearTimeout(timer)
      },
    }
    const open = link({ name: 'Ann', clock: soon })
    const all = [open('/public'), open('/n0')]
    const carriers = () => all.map(({ state }) => 'transport' in state && state.transport)
    await untilOpen(...all)
    expect(carriers()).toEqual(['sse', 'sse'])
    proxy.rules.upgrades = 'pass'
    await vi.waitFor(() => expect(carriers()).toEqual(['websocket', 'websocket']), { timeout: 5_000 })
    await expect(all[1]?.request('echo', 'over it')).resolves.toBe('over it')
    expect(links()).toBe(1)
  })
})

it('[C14] a link that went silent is given up by all, for one new link', async () => {
  const clock = new VirtualClock()
  const server = new FakeServer(clock)
  const shared = createLink('http://fake', { transport: server.transport, clock, random: () => 0.99 })
  const all = ['/', '/x'].map((namespace) => shared.connect({ namespace }))
  clients.push(...all)
  await clock.settle()
  expect(server.links).toHaveLength(1)
  server.link.isBlackHole = true
  await clock.advance(60_000)
  expect(server.links).toHaveLength(2)
  expect(all.map(({ state }) => state)).toMatchObject([
    { status: 'open', recovered: true },
    { status: 'open', recovered: true },
  ])
})
