/** Real servers and real Socket.IO clients for the tests beside this file, and what they wait for. */
import { type CreateOptions, createRoomful, type Roomful } from '@roomful/server'
import { SignJWT } from 'jose'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { afterEach } from 'vitest'

export const SECRET = 'a secret of these tests only, long enough'

const sockets: Socket[] = []
const servers: Roomful[] = []

afterEach(async () => {
  // With all that its manager carries: a manager that is left reconnects to the next server at this port.
  for (const socket of sockets.splice(0)) socket.io._close()
  await Promise.all(servers.splice(0).map((roomful) => roomful.close()))
})

export async function serve(
  settings: CreateOptions & { atPort?: number } = {},
  declare: (roomful: Roomful) => void = () => undefined,
): Promise<{ url: string; port: number; roomful: Roomful }> {
  const { atPort = 0, ...rest } = settings
  const roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET, ...rest }).standardNamespaces()
  declare(roomful)
  servers.push(roomful)
  const { port } = await roomful.listen({ port: atPort })
  return { url: `http://localhost:${port}`, port, roomful }
}

export function token(sub: string, name = sub, more: { exp?: number; role?: string } = {}): Promise<string> {
  const { exp, ...claims } = more
  const jwt = new SignJWT({ name, ...claims }).setProtectedHeader({ alg: 'HS256' }).setSubject(sub)
  return jwt.setExpirationTime(exp ?? '1h').sign(new TextEncoder().encode(SECRET))
}

/** The ways in which an official client can be carried. */
export const WAYS = {
  websocket: { transports: ['websocket'] },
  polling: { transports: ['polling'] },
  upgraded: { transports: ['polling', 'websocket'] },
} as const satisfies Record<string, Partial<ManagerOptions>>

export type Way = keyof typeof WAYS
export const ways = Object.keys(WAYS) as Way[]

/** A client that is not connected yet. */
export function client(url: string, way: Way, options: Partial<ManagerOptions & SocketOptions> = {}): Socket {
  const transports: string[] = [...WAYS[way].transports]
  const socket = io(url, { forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 100, transports, ...options })
  sockets.push(socket)
  return socket
}

/** The arguments of the next event of this name. */
export function next(socket: Socket, event: string): Promise<unknown[]> {
  return new Promise((resolve) => socket.once(event, (...args: unknown[]) => resolve(args)))
}

/** A user's client, connected; an upgraded one once it has changed over. */
export async function connect(url: string, way: Way, sub: string, more: Partial<SocketOptions> = {}): Promise<Socket> {
  const socket = client(url, way, { auth: { token: await token(sub) }, ...more })
  await next(socket, 'connect')
  if (way === 'upgraded' && socket.io.engine.transport.name !== 'websocket') {
    await new Promise<void>((resolve) => socket.io.engine.once('upgrade', () => resolve()))
  }
  return socket
}

type RefusalError = Error & { data?: unknown }

/** What a refused client is told. */
export function refusal(socket: Socket): Promise<Pick<RefusalError, 'message' | 'data'>> {
  return new Promise((resolve) =>
    socket.once('connect_error', ({ message, data }: RefusalError) => resolve({ message, data })),
  )
}

/** Collects the events of a name until there are as many as wanted. */
export function collect(socket: Socket, event: string, count: number): Promise<Record<string, unknown>[]> {
  const got: Record<string, unknown>[] = []
  return new Promise((resolve) => {
    socket.on(event, (data: Record<string, unknown>) => {
      got.push(data)
      if (got.length === count) resolve(got)
    })
  })
}
