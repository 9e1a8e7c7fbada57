/** A real server with an API key, and the two kinds of clients of its HTTP API. */
import { once } from 'node:events'
import { type CreateOptions, createRoomful, type Observer, type Roomful } from '../../src/index.ts'
import { hmacToken } from '../auth/bad-tokens.ts'

export const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
export const API_KEY = 'key-0123456789-0123456789-0123456789'

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, looked at by matchers
  readonly body: any
  readonly headers: Headers
}

/** What was refused, and how. */
export const refusal = ({ status, body }: Answer) => [status, body.error?.code, body.error?.field]

export interface Serving extends AsyncDisposable {
  readonly roomful: Roomful
  readonly url: string
  readonly facts: Parameters<Observer['observe']>[0][]
  get(path: string, auth?: string): Promise<Answer>
  post(path: string, body: unknown, auth?: string): Promise<Answer>
  /** A bare WebSocket of this user. */
  connect(user: string, namespace?: string): Promise<Heard>
}

/** A WebSocket that remembers what it heard. */
export interface Heard {
  readonly socket: WebSocket
  readonly messages: Record<string, unknown>[]
  readonly closed: Promise<{ code: number; reason: string }>
  say(message: object): void
  /** The first one that matches, which may have come already. */
  next(match: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
}

export const tokenOf = (sub: string, role?: string): string =>
  hmacToken(SECRET, { sub, name: sub, ...(role === undefined ? {} : { role }) })

export async function serveHttp(
  options: CreateOptions = {},
  prepare: (roomful: Roomful) => void = () => undefined,
): Promise<Serving> {
  const facts: Serving['facts'] = []
  const roomful = createRoomful({
    data: ':memory:',
    jwtSecret: SECRET,
    apiKey: API_KEY,
    ratePerSecond: 0,
    observer: { observe: (fact) => facts.push(fact) },
    ...options,
  }).standardNamespaces()
  prepare(roomful)
  const { port } = await roomful.listen({ port: 0 })
  const url = `http://127.0.0.1:${port}`
  const ask = async (path: string, init: RequestInit, auth: string | undefined): Promise<Answer> => {
    const headers = auth === undefined ? {} : { authorization: `Bearer ${auth}` }
    const response = await fetch(url + path, { ...init, headers, redirect: 'manual' })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers }
  }
  return {
    roomful,
    url,
    facts,
    get: (path, auth) => ask(path, {}, auth),
    post: (path, body, auth) =>
      ask(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }, auth),
    connect: (user, namespace = '') => open(`ws://127.0.0.1:${port}/ws${namespace}?token=${tokenOf(user)}`),
    [Symbol.asyncDispose]: () => roomful.close(),
  }
}

async function open(url: string): Promise<Heard> {
  const socket = new WebSocket(url)
  const messages: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  socket.onmessage = ({ data }) => {
    messages.push(JSON.parse(String(data)))
    for (const look of waiting) look()
  }
  const closed = once(socket, 'close').then(([{ code, reason }]) => ({ code, reason }))
  const heard: Heard = {
    socket,
    messages,
    closed,
    say: (message) => socket.send(JSON.stringify(message)),
    next: (match) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = messages.find(match)
          if (!found) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        closed.then(({ code, reason }) => reject(new Error(`Closed ${code} ${reason}`)))
        look()
      }),
  }
  await heard.next(({ type }) => type === 'auth_ok')
  return heard
}

/** Joins a room and waits until it is so. */
export async function join(heard: Heard, roomId: string): Promise<void> {
  heard.say({ type: 'room:join', roomId, id: roomId })
  await heard.next(({ ack }) => ack === roomId)
}
