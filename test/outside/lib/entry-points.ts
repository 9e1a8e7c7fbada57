/** Every place where the server accepts a token, tried with valid and invalid ones. R5. */
import { io } from 'socket.io-client'
import { type Client, dial } from './client.ts'
import type { Server } from './server.ts'
import { within } from './wait.ts'

/** The outcome: authenticated, or the code of the close or the answer, and its sentence. */
export interface Answer {
  readonly isIn: boolean
  readonly code: number | string
  readonly sentence: string
}

export interface EntryPoint {
  readonly name: string
  /** Not every entry point can carry every token: a header has no line breaks. */
  readonly carries?: (token: string) => boolean
  readonly attempt: (server: Server, token: string) => Promise<Answer>
}

const isHeaderText = (token: string): boolean => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(token)
const isSubprotocol = (token: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(token)
/** A longer URL is refused for its length alone. */
const fitsUrl = (token: string): boolean => encodeURIComponent(token).length < 8_000
const inQuery = (token: string): string => `token=${encodeURIComponent(token)}`

export const ENTRY_POINTS: readonly EntryPoint[] = [
  {
    name: 'a WebSocket, in the URL',
    carries: fitsUrl,
    attempt: (server, token) => socket(dial(server, `/ws?${inQuery(token)}`)),
  },
  {
    name: 'a WebSocket, as a subprotocol',
    carries: isSubprotocol,
    attempt: (server, token) => socket(dial(server, '/ws', { protocols: ['roomful.plain', `bearer.${token}`] })),
  },
  {
    name: 'a WebSocket, as a header',
    carries: isHeaderText,
    attempt: (server, token) => socket(dial(server, '/ws', { headers: { authorization: `Bearer ${token}` } })),
  },
  {
    name: 'a WebSocket, as the first message',
    attempt: async (server, token) => {
      const client = await dial(server, '/ws').opened()
      client.send({ type: 'auth', token })
      return await socket(client)
    },
  },
  {
    name: 'the SDK’s link',
    attempt: async (server, token) => {
      const client = await dial(server, '/ws', { protocols: ['roomful.v1'] }).opened()
      client.send({ type: 'open', v: 1, ch: 1, ns: '/', token })
      return await socket(client)
    },
  },
  { name: 'Socket.IO over polling', attempt: (server, token) => socketIo(server, token, 'polling') },
  { name: 'Socket.IO over a WebSocket', attempt: (server, token) => socketIo(server, token, 'websocket') },
  {
    name: 'an event stream',
    carries: fitsUrl,
    attempt: (server, token) => ask(server, `/sse?room=a&${inQuery(token)}`),
  },
  { name: 'a poll', carries: fitsUrl, attempt: (server, token) => ask(server, `/poll?room=a&${inQuery(token)}`) },
  {
    name: 'POST /send',
    carries: isHeaderText,
    attempt: (server, token) => bearer(server, '/send', token, { type: 'chat:message', roomId: 'a', content: 'x' }),
  },
  { name: 'a ticket', carries: isHeaderText, attempt: (server, token) => bearer(server, '/api/tickets', token, {}) },
  {
    name: 'the list of rooms',
    carries: isHeaderText,
    attempt: (server, token) => bearer(server, '/api/rooms', token, undefined),
  },
]

/** Authenticated once it receives its user. */
async function socket(client: Client): Promise<Answer> {
  const isIn = client
    .next((frame) => frame.type === 'auth_ok' || frame.type === 'opened')
    .then(() => true)
    .catch(() => false)
  const closed = client.closed.then(() => false)
  if (await Promise.race([isIn, closed])) {
    client.socket.terminate()
    return { isIn: true, code: 'in', sentence: '' }
  }
  const { code, reason } = await client.closed
  return { isIn: false, code, sentence: reason }
}

async function socketIo(server: Server, token: string, transport: 'polling' | 'websocket'): Promise<Answer> {
  const options = { transports: [transport], auth: { token }, reconnection: false, forceNew: true }
  const client = io(server.http, options)
  try {
    const answer = new Promise<Answer>((resolve) => {
      client.on('connect', () => resolve({ isIn: true, code: 'in', sentence: '' }))
      client.on('connect_error', (error: Error & { data?: { code?: string } }) =>
        resolve({ isIn: false, code: error.data?.code ?? 'no code', sentence: error.message }),
      )
    })
    return await within(answer, 5_000, 'an answer to CONNECT')
  } finally {
    client.disconnect()
  }
}

async function ask(server: Server, path: string): Promise<Answer> {
  const abort = new AbortController()
  const response = await fetch(server.http + path, { signal: abort.signal })
  const isIn = response.ok
  const sentence = isIn ? '' : await response.text()
  abort.abort()
  return { isIn, code: response.status, sentence }
}

async function bearer(server: Server, path: string, token: string, body: unknown): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}` }
  const response = body === undefined ? await server.get(path, headers) : await server.post(path, body, headers)
  return { isIn: response.ok, code: response.status, sentence: await response.text() }
}
