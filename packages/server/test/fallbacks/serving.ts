/** What the tests of the fallbacks share: a real server, an EventSource that keeps what it heard, tokens, and waiting. */
import { createRoomful, type Roomful } from '@roomful/server'
import { EventSource } from 'eventsource'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { hmacToken } from '../auth/bad-tokens.ts'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
const WITHIN_MS = 5_000
const STEP_MS = 5

// biome-ignore lint/suspicious/noExplicitAny: a test looks into messages of every shape
export type Message = Record<string, any>

export const tokenOf = (sub: string, more: Record<string, unknown> = {}): string =>
  hmacToken(SECRET, { sub, name: sub, ...more })

export const bearer = (sub: string): Record<string, string> => ({ authorization: `Bearer ${tokenOf(sub)}` })

export interface Serving {
  readonly roomful: Roomful
  readonly url: string
  readonly port: number
}

/** A server on a port of its own, closed when the test ends. */
export async function serve(
  settings: Parameters<typeof createRoomful>[0] = {},
  setUp: (roomful: Roomful) => void = () => undefined,
): Promise<Serving> {
  const given = { data: ':memory:', jwtSecret: SECRET, ratePerSecond: 0, ratePerMinute: 0, ...settings }
  const roomful = createRoomful(given).standardNamespaces()
  setUp(roomful)
  onTestFinished(() => roomful.close())
  const { port } = await roomful.listen({ port: settings.port ?? 0 })
  return { roomful, port, url: `http://127.0.0.1:${port}` }
}

/** Asks again until it holds. @throws Error naming what did not come true */
export async function until<T>(what: string, ask: () => T | undefined | false): Promise<T> {
  const deadline = Date.now() + WITHIN_MS
  for (;;) {
    const answer = ask()
    if (answer !== undefined && answer !== false) return answer
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, STEP_MS))
  }
}

export interface Stream {
  readonly source: EventSource
  /** Everything heard, with its `lastEventId` as `$id`. */
  readonly heard: Message[]
  /** Durable events alone. */
  readonly durable: () => Message[]
  next(type: string, test?: (message: Message) => boolean): Promise<Message>
}

/** An `EventSource` that entered its rooms. */
export async function stream(url: string, headers: Record<string, string> = {}): Promise<Stream> {
  const heard: Message[] = []
  const source = new EventSource(url, {
    fetch: async (at, init) => sooner(await fetch(at, { ...init, headers: { ...init.headers, ...headers } })),
  })
  onTestFinished(() => source.close())
  source.onmessage = ({ data, lastEventId }) => heard.push({ ...JSON.parse(data), $id: lastEventId })
  const next = (type: string, test: (message: Message) => boolean = () => true): Promise<Message> =>
    until(`${type} on ${url}`, () => heard.find((message) => message.type === type && test(message)))
  await next('auth_ok')
  return { source, heard, next, durable: () => heard.filter(({ seq, ts }) => seq !== undefined && ts !== undefined) }
}

/** Asks an `EventSource` to come back after hardly any pause, instead of the seconds that the server asks for. */
function sooner({ body, status, headers }: Response): Response {
  const hasten = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      const text = Buffer.from(chunk)
        .toString('latin1')
        .replace(/^retry: \d+$/m, `retry: ${STEP_MS}`)
      controller.enqueue(Buffer.from(text, 'latin1'))
    },
  })
  return new Response(body?.pipeThrough(hasten) ?? null, { status, headers })
}

export interface Socket {
  readonly ws: WebSocket
  readonly heard: Message[]
  say(message: Message): void
  /** Says something with an id and waits for the answer. */
  ask(message: Message): Promise<Message>
}

/** A bare WebSocket, known to the server. */
export async function socket(url: string): Promise<Socket> {
  const ws = new WebSocket(url.replace('http', 'ws'))
  onTestFinished(() => ws.close())
  const heard: Message[] = []
  ws.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString())))
  await until(`auth_ok on ${url}`, () => heard.some(({ type }) => type === 'auth_ok'))
  let lastId = 0
  const say = (message: Message): void => ws.send(JSON.stringify(message))
  const ask = async (message: Message): Promise<Message> => {
    const id = ++lastId
    say({ ...message, id })
    return (await until(`the answer to ${message.type}`, () => heard.find(({ ack }) => ack === id))).data
  }
  return { ws, heard, say, ask }
}

export const errorOf = async (response: Response): Promise<[number, string]> => [
  response.status,
  ((await response.json()) as { error: { code: string } }).error.code,
]
