/** The SDK against a real server over real sockets: what a stand-in could get wrong. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, type ClientOptions, type ConnectionStatus, connect, ReconnectingWebSocket } from '@roomful/client'
import { createRoomful, defineContract, event, type Roomful, RoomfulError } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { WebSocket as WsWebSocket } from 'ws'
import { z } from 'zod'

const Task = z.object({ title: z.string().min(1), author: z.string() })
const contract = defineContract({
  client: {
    'save-task': event({
      data: Task.pick({ title: true }),
      ack: z.object({ status: z.literal('ok'), seq: z.number() }),
    }),
    add: event({ args: [z.number(), z.number()], ack: z.number() }),
    mirror: event({ data: z.instanceof(Uint8Array), ack: z.instanceof(Uint8Array) }),
  },
  server: {
    'task:saved': event({ data: Task, durable: true }),
    cursor: event({ data: z.number(), volatile: true }),
  },
})

let roomful: Roomful
let url: string
let clients: Client<never>[]

async function listen(port = 0, data = ':memory:'): Promise<void> {
  roomful = createRoomful({
    ...{ data, jwtSecret: 'x'.repeat(32), maxMessageBytes: 1_000 },
    ...{ ratePerSecond: 0, ratePerMinute: 0 },
  }).standardNamespaces()
  const tasks = roomful.namespace('/tasks', contract, { guests: true })
  tasks.on('save-task', (ctx, { title }) => {
    if (title === 'forbidden') throw new RoomfulError('FORBIDDEN', 'Not this one', { field: 'title' })
    ctx.append('board', 'task:saved', { title, author: ctx.user.name })
    return ([stored]) => ({ status: 'ok', seq: stored?.seq ?? 0 })
  })
  tasks.on('add', (_ctx, a, b) => a + b)
  tasks.on('mirror', (_ctx, bytes) => bytes)
  ;({ url } = await roomful.listen({ port, host: '127.0.0.1' }))
}

/** Reconnects after a few milliseconds, since chance decides how much of the wait is left. */
function open<C extends typeof contract | undefined = undefined>(options: ClientOptions): Client<C> {
  const client = connect<C>(url, { random: () => 0.99, ...options })
  clients.push(client as unknown as Client<never>)
  return client
}

function until(client: Client<never> | Client, status: ConnectionStatus): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (client.state.status !== status) return
      off()
      resolve()
    }
    const off = client.subscribe(check)
    check()
  })
}

async function signUp(name: string): Promise<string> {
  const body = JSON.stringify({ username: name, password: 'correct horse battery' })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/api/users`, { method: 'POST', headers, body })
  const { token } = (await response.json()) as { token?: string }
  if (token === undefined) throw new Error(`Signing up answered ${response.status}`)
  return token
}

function cutEveryLink(): void {
  for (const link of [...hubOf(roomful).links.open]) link.terminate('cable cut')
}

beforeEach(async () => {
  clients = []
  await listen()
})

afterEach(async () => {
  for (const client of clients) client.close()
  await roomful.close()
})

describe('over real sockets', () => {
  it('[D5] one contract types both sides, and both agree at run time', async () => {
    const client = open<typeof contract>({ namespace: '/tasks', name: 'Ann' })
    const board = client.room('board')
    await board.ready
    const saved = new Promise<unknown[]>((resolve) =>
      board.on('task:saved', (task, meta) => resolve([task.author, task, meta])),
    )
    const answer = await client.request('save-task', { title: 'Write' }, { durable: true })
    expectTypeOf(answer).toEqualTypeOf<{ status: 'ok'; seq: number }>()
    expect(answer).toEqual({ status: 'ok', seq: 1 })
    await expect(saved).resolves.toMatchObject([
      'Ann',
      { title: 'Write', seq: 1, roomId: 'board' },
      { event: 'task:saved', n: 1 },
    ])
    await expect(client.call('add', 2, 3)).resolves.toBe(5)
  })

  it('a room hears the passing events that are for it, and not those for others', async () => {
    const client = open<typeof contract>({ namespace: '/tasks', name: 'Ann' })
    const [one, two] = [client.room('board:1'), client.room('board:2')]
    await Promise.all([one.ready, two.ready])
    const received: unknown[] = []
    one.on('cursor', (at) => received.push(['one', at]))
    const second = new Promise<void>((resolve) =>
      two.on('cursor', (at) => {
        received.push(['two', at])
        resolve()
      }),
    )
    const tasks = hubOf(roomful).namespace('/tasks')
    tasks?.to('board:1').emit('cursor', 1)
    tasks?.to('board:2').emit('cursor', 2)
    await second
    expect(received).toEqual([
      ['one', 1],
      ['two', 2],
    ])
  })

  it('[C11] refusals carry code, field and sentence', async () => {
    const client = open<typeof contract>({ namespace: '/tasks', name: 'Ann' })
    await expect(client.request('save-task', { title: '' })).rejects.toMatchObject({
      code: 'INVALID_MESSAGE',
      field: 'title',
    })
    await expect(client.request('save-task', { title: 'forbidden' })).rejects.toMatchObject({
      ...{ code: 'FORBIDDEN', message: 'Not this one', field: 'title' },
    })
    const long = client.request('save-task', { title: 'x'.repeat(1_000) })
    await expect(long).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(client.state.status).toBe('open')
  })

  it('[C1] bytes arrive as bytes', async () => {
    const client = open<typeof contract>({ namespace: '/tasks', name: 'Ann' })
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    await expect(client.request('mirror', bytes)).resolves.toEqual(bytes)
  })

  it('[C18] [C21] links that are cut again and again lose nothing, repeat nothing, and keep their order', async () => {
    const options = { namespace: '/public' }
    const [ann, bob] = [open({ ...options, name: 'Ann' }), open({ ...options, name: 'Bob' })]
    const [room, other] = [ann.room('lobby'), bob.room('lobby')]
    const received: string[] = []
    const all = new Promise<void>((resolve) => {
      other.on('message:new', ({ content }) => {
        received.push(content)
        if (content === 'last') resolve()
      })
    })
    await Promise.all([room.ready, other.ready])
    const said = Array.from({ length: 30 }, (_, i) => `message ${i}`)
    const sends = said.map((content) => room.send(content))
    for (let cuts = 0; cuts < 5; cuts++) {
      await sends[cuts * 5]
      cutEveryLink()
    }
    await Promise.all(sends)
    await room.send('last')
    await all
    expect(received).toEqual([...said, 'last'])
    expect(ann.state).toMatchObject({ status: 'open', recovered: true })
  })

  it('[D10] who was cut off and comes back was never gone for the others', async () => {
    const [ann, bob] = [open({ token: await signUp('ann') }), open({ token: await signUp('bob') })]
    const [room, other] = [ann.room('lobby'), bob.room('lobby')]
    await Promise.all([room.ready, other.ready])
    const changes: unknown[] = []
    other.on('user:left', (data) => changes.push(data))
    other.on('user:joined', (data) => changes.push(data))
    const back = until(ann, 'waiting').then(() => until(ann, 'open'))
    for (const link of hubOf(roomful).links.open) {
      if (link.connections.some(({ user }) => user.name === 'ann')) link.terminate('cable cut')
    }
    await back
    await room.send('back')
    expect(changes).toEqual([])
    expect(new Set(other.members.map(({ name }) => name))).toEqual(new Set(['ann', 'bob']))
  })

  it('[C13] [D10] a goodbye is delivered at once', async () => {
    const [ann, bob] = [open({ namespace: '/public', name: 'Ann' }), open({ namespace: '/public', name: 'Bob' })]
    const [room, other] = [ann.room('lobby'), bob.room('lobby')]
    await Promise.all([room.ready, other.ready])
    const left = new Promise((resolve) => other.on('user:left', resolve))
    ann.close()
    await left
    expect(other.members.map(({ name }) => name)).toEqual(['Bob'])
  })

  it('[A2.3] a bad token ends it with the code that says why', async () => {
    const client = open({ token: 'not.a.token' })
    await until(client, 'closed')
    expect(client.state).toMatchObject({ ending: { code: 4001, error: { code: 'TOKEN_INVALID' } } })
  })

  it('[B35] a namespace that is not for us ends it too', async () => {
    const client = open({ namespace: '/admin', token: await signUp('carol') })
    await until(client, 'closed')
    expect(client.state).toMatchObject({ ending: { code: 4003 } })
  })

  it('works with the WebSocket of the package ws, for Node before 22', async () => {
    const client = open({ namespace: '/public', name: 'Old', WebSocket: WsWebSocket as never })
    await expect(client.room('lobby').send('hi')).resolves.toMatchObject({ seq: 1 })
  })

  it('[A2.4] [D9] a restart is announced, waited for, and said to have lost what was only in memory', async () => {
    const client = open({ namespace: '/public', name: 'Ann' })
    const room = client.room('lobby')
    await room.ready
    await room.send('before')
    const states: ConnectionStatus[] = []
    client.subscribe(() => states.push(client.state.status))
    const reset = new Promise((resolve) => room.onReset(resolve))
    await roomful.close()
    expect(states.slice(0, 2)).toEqual(['draining', 'waiting'])
    await listen(Number(new URL(url).port))
    await until(client, 'open')
    await expect(reset).resolves.toMatchObject({ reason: 'epoch' })
    await expect(room.send('after')).resolves.toMatchObject({ seq: 1 })
  })
})

it('[D2] [C18] a restart on the same data loses nothing and repeats nothing', async () => {
  const data = await mkdtemp(join(tmpdir(), 'roomful-sdk-'))
  try {
    await roomful.close()
    await listen(0, data)
    const [ann, bob] = [open({ namespace: '/public', name: 'Ann' }), open({ namespace: '/public', name: 'Bob' })]
    const [room, other] = [ann.room('lobby'), bob.room('lobby')]
    const received: string[] = []
    const resets: unknown[] = []
    other.onReset((reset) => resets.push(reset))
    const all = new Promise<void>((resolve) => {
      other.on('message:new', ({ content }) => {
        received.push(content)
        if (content === 'last') resolve()
      })
    })
    await Promise.all([room.ready, other.ready])
    const said = ['one', 'two', 'three', 'last']
    const sends = said.slice(0, 2).map((content) => room.send(content))
    await roomful.close()
    sends.push(...said.slice(2).map((content) => room.send(content)))
    await listen(Number(new URL(url).port), data)
    await expect(Promise.all(sends)).resolves.toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 3 }, { seq: 4 }])
    await all
    expect([received, resets]).toEqual([said, []])
  } finally {
    for (const client of clients) client.close()
    await roomful.close()
    await rm(data, { recursive: true })
  }
})

describe('[C2] ReconnectingWebSocket over real sockets', () => {
  it('speaks to the server and comes back after a cut, until it is closed', async () => {
    const seen: string[] = []
    const opened: (() => void)[] = []
    const nextOpen = (): Promise<void> => new Promise((resolve) => opened.push(resolve))
    const first = nextOpen()
    const ws = new ReconnectingWebSocket(`${url.replace('http', 'ws')}/ws/public`, {
      reconnectInterval: 10,
      onopen: () => opened.shift()?.(),
      onmessage: ({ data }) => seen.push((JSON.parse(data as string) as { type: string }).type),
    })
    await first
    const second = nextOpen()
    cutEveryLink()
    await second
    expect(ws.retries).toBe(0)
    const gone = new Promise<number>((resolve) => {
      ws.onclose = ({ code }) => resolve(code)
    })
    ws.close(1000)
    await expect(gone).resolves.toBe(1000)
    expect(ws.ws.readyState).toBe(3)
    expect(seen).toContain('welcome')
  })
})
