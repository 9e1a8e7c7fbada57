/** Servers on one Redis, and plain WebSocket clients of them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { SignJWT } from 'jose'
import { onTestFinished } from 'vitest'
import { createRoomful } from '../../src/index.ts'
import { openPlain } from './plain-client.ts'

const SECRET = 'a secret of at least thirty-two characters'

export type Options = Parameters<typeof createRoomful>[0]

/** A server that ends with the test. */
export async function serve(redisUrl: string, redisPrefix: string, more: Options = {}, rooms?: { capacity: number }) {
  const roomful = createRoomful({
    ...{ data: ':memory:', redisUrl, redisPrefix, jwtSecret: SECRET, hosts: ['127.0.0.1'] },
    ...more,
  })
  roomful.standardNamespaces()
  if (rooms) roomful.get('/public').room('game:*', rooms).room('*')
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= roomful.close()
    return closing
  }
  onTestFinished(close)
  return { roomful, url, close }
}

export type Server = Awaited<ReturnType<typeof serve>>

/** A server in a process of its own, which can be killed. */
export async function serveApart(redisUrl: string, redisPrefix: string) {
  const script = new URL('./node-child.ts', import.meta.url).pathname
  const args = ['--conditions=source', script, redisUrl, redisPrefix, SECRET]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    url: `http://127.0.0.1:${port.toString().trim()}`,
    ...{ kill: () => child.kill('SIGKILL'), pause: () => child.kill('SIGSTOP'), resume: () => child.kill('SIGCONT') },
  }
}

/** A guest of `/public`. */
export function connect(server: { url: string }, name = 'guest') {
  return open(server, `/ws/public?name=${encodeURIComponent(name)}`)
}

/** A user with a token. */
export async function signIn(server: { url: string }, sub: string) {
  const jwt = new SignJWT({ name: sub }).setProtectedHeader({ alg: 'HS256' }).setSubject(sub).setExpirationTime('1h')
  const token = await jwt.sign(new TextEncoder().encode(SECRET))
  return open(server, `/ws?token=${token}`)
}

async function open({ url }: { url: string }, path: string) {
  const { authenticated, ...client } = await openPlain(url, path)
  const { user } = authenticated as unknown as { user: { sub: string; name: string } }
  const of = (...types: string[]) => client.frames.filter(({ type }) => types.includes(type))
  return { ...client, of, user, close: () => client.socket.close() }
}

export type Client = Awaited<ReturnType<typeof open>>

/** The acknowledgement of a join. */
export async function join(client: Client, roomId: string) {
  const { data, error } = await client.ask('room:join', { roomId })
  return {
    error,
    ...(data as { users: { userId: string; name: string; status: string }[]; count: number; pv: number }),
  }
}

/** The list of a room as a client asks for it. */
export async function list(client: Client, roomId: string): Promise<string[]> {
  const { data } = await client.ask('presence:get', { roomId })
  const { users } = data as { users: { name: string; status: string }[] }
  return users.map(({ name, status }) => (status === 'online' ? name : `${name} (${status})`)).toSorted()
}

export async function until(isSo: () => boolean | Promise<boolean>, ms = 8_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error('It did not come to that')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
