/** Each close code, made to happen: what the client is given, and what the server's log says. */
import type { Socket } from 'node:net'
import type { Fact } from '@roomful/server'
import { createTestServer } from '@roomful/testkit'
import { WebSocket } from 'ws'
import { Client, columns, type Demo, start } from '../demo.ts'

/** A text frame that is masked with zeros: what stands in it goes over the wire as it is. */
const textFrame = (bytes: readonly number[]): Buffer => Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes])

interface Stage {
  readonly url: string
  /** A client in `/ws/public`. */
  open(): Promise<Client>
  /** Of the user in `/ws/yard`. */
  disconnect(code: number, reason: string): Promise<unknown>
  /** Sends the user what is in no log, until the server has given the user up. */
  flood(): Promise<void>
}

/** How each code comes about. Each opens a client of its own. */
const CASES: readonly (readonly [code: number, what: string, run: (stage: Stage) => Promise<Client>])[] = [
  [1000, 'the client calls close(1000)', closes(1000, 'Goodbye')],
  [1001, 'a browser leaves the page', closes(1001)],
  [1002, 'a frame that is not masked', writes(Buffer.from([0x81, 0x01, 0x78]))],
  [1003, 'bytes for a protocol of texts', async ({ url }) => speaks(new Client(`${url}/texts/room?name=Ann`), 'text')],
  [1005, 'the client calls close()', closes()],
  [
    1006,
    'the cable is cut',
    async ({ open }) => {
      const client = await open()
      client.socket.terminate()
      return client
    },
  ],
  [1007, 'a text that is not UTF-8', writes(textFrame([0xc3, 0x28]))],
  [1008, 'a bad token in the first message', async ({ url }) => says(new Client(`${url}/ws`), 'auth', { token: 'x' })],
  [
    1009,
    'a message of 200,000 bytes',
    async ({ open }) => says(await open(), 'ping', { padding: 'x'.repeat(200_000) }),
  ],
  [1010, 'a client that misses an extension', closes(1010, 'permessage-deflate')],
  [
    1011,
    'the handler of a protocol throws',
    async ({ url }) => speaks(new Client(`${url}/texts/room?name=Ann`), 'throw'),
  ],
  [1013, 'who it is cannot be found out now', async ({ url }) => new Client(`${url}/ws/yard?token=later`)],
  [4001, 'a bad token in the URL', async ({ url }) => new Client(`${url}/ws?token=x`)],
  [4003, 'a role that does not fit', async ({ url }) => new Client(`${url}/ws/admin?token=ann`)],
  [4005, 'the session is resumed elsewhere', resumesTwice],
  [4008, 'a client that does not read', doesNotRead],
  [
    4009,
    'the application disconnects a user',
    async ({ url, disconnect }) => {
      const client = new Client(`${url}/ws/yard?token=ann`)
      await client.next('auth_ok')
      await disconnect(4009, 'Please take a break')
      return client
    },
  ],
  [1012, 'the server restarts (SIGTERM)', async ({ open }) => open()],
]

export const closing: Demo = async (print) => {
  const facts: Fact[] = []
  await using server = await start(
    (roomful) => {
      roomful.standardNamespaces().namespace('/yard')
      roomful.protocol('/texts', roomful.get('/public'), {
        name: 'texts',
        maxMessageBytes: 1_000,
        ratePerSecond: 0,
        open: (connection) => ({
          handleMessage: (data) => {
            if (String(Buffer.from(data)) === 'throw') throw new Error('a bug')
            connection.close(1003, 'Text only')
          },
        }),
      })
    },
    {
      observer: { observe: (fact) => void facts.push(fact) },
      authenticate: (_request, { token }) => {
        if (token === 'later') throw new Error('The directory is down')
        return token === 'ann' ? { sub: 'ann', name: 'Ann', role: 'user' } : undefined
      },
    },
  )
  const url = `ws://127.0.0.1:${server.port}`
  const stage: Stage = {
    url,
    open: () => Client.open(server.port, 'Ann'),
    disconnect: (code, reason) => server.roomful.disconnectUser('ann', code, reason),
    flood: async () => {
      const everyone = server.roomful.get('/yard').to('user:ann')
      while (!facts.some((fact) => fact.type === 'connection:closed' && fact.connection.user.sub === 'ann')) {
        everyone.emit('flood', 'x'.repeat(50_000))
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
  const rows: string[][] = []
  for (const [code, what, run] of CASES) {
    facts.length = 0
    const client = await run(stage)
    if (code === 1012) await server.roomful.close()
    const closed = await client.closed
    rows.push([String(code), what, `${closed.code} ${closed.reason}`.trim(), await logged(facts)])
  }
  rows.splice(
    rows.findIndex(([code]) => code === '4003'),
    0,
    await expires(),
  )
  const heading = ['code', 'what was done', 'the client is given', 'the server logs']
  for (const line of columns([heading, ...rows])) print(line)
}

/** The end of the connection, or why it never was one. */
async function logged(facts: readonly Fact[]): Promise<string> {
  const until = performance.now() + 5_000
  while (performance.now() < until) {
    for (const fact of facts) {
      if (fact.type === 'connection:closed') return fact.reason
      if (fact.type === 'connection:refused') return `refused: ${fact.code}`
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  return '-'
}

function closes(code?: number, reason?: string) {
  return async ({ open }: Stage): Promise<Client> => {
    const client = await open()
    client.socket.close(code, reason)
    return client
  }
}

function writes(bytes: Buffer) {
  return async ({ url }: Stage): Promise<Client> => {
    const socket = new WebSocket(`${url}/ws/public?name=Ann`)
    const below = new Promise<Socket>((resolve) => socket.once('upgrade', (response) => resolve(response.socket)))
    const client = new Client('', socket)
    await client.next('auth_ok')
    ;(await below).write(bytes)
    return client
  }
}

async function says(client: Client, type: string, fields: object): Promise<Client> {
  await client.next('welcome')
  client.send({ type, ...fields })
  return client
}

function speaks(client: Client, text: string): Client {
  client.socket.once('open', () => client.socket.send(Buffer.from(text)))
  return client
}

async function resumesTwice({ url }: Stage): Promise<Client> {
  const open = async (session?: unknown): Promise<[Client, unknown]> => {
    const client = new Client('', new WebSocket(`${url}/ws`, 'roomful.v1'))
    await client.next('welcome')
    client.send({ type: 'open', v: 1, ch: 1, ns: '/public', name: 'Ann', ...(session ? { session } : {}) })
    return [client, (await client.next('opened')).session]
  }
  const [first, session] = await open()
  const [second] = await open(session)
  second.socket.close(1000)
  await second.closed
  return first
}

async function doesNotRead({ url, flood }: Stage): Promise<Client> {
  const client = new Client(`${url}/ws/yard?token=ann`)
  await client.next('auth_ok')
  client.socket.pause()
  await flood()
  client.socket.resume()
  return client
}

/** Tokens last for minutes, so this one runs on the clock of a test. */
async function expires(): Promise<string[]> {
  await using server = await createTestServer()
  const ann = await server.connect({ token: server.token('ann', { expiresInMs: 60_000 }) })
  await server.advance(90_000)
  const [fact] = server.observed('connection:closed')
  return ['4002', 'the token ended 30 s ago', `${ann.closed?.code} ${ann.closed?.reason}`, String(fact?.reason)]
}
