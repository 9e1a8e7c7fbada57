/** Whole servers that share a Redis, with plain WebSocket clients. */
import type { Roomful } from '@roomful/server'
import { onTestFinished } from 'vitest'
import { TokenIssuer } from '../../src/adapters/auth/jwt.ts'
import { type CreateOptions, createRoomful } from '../../src/create.ts'
import { type Frame, openPlain } from './plain-client.ts'
import type { RedisServer } from './server.ts'

const API_KEY = 'a-key-of-at-least-sixteen-characters'
const jwtSecret = 'a secret of at least thirty-two characters'

export interface ServedNode {
  readonly roomful: Roomful
  readonly url: string
  /** The server API with the key. */
  api(path: string, body?: object): Promise<Record<string, unknown>>
}

export interface TestSocket {
  readonly frames: readonly Frame[]
  readonly connectionId: string
  next(isIt: (frame: Frame) => boolean): Promise<Frame>
  ask(type: string, data?: object): Promise<Frame>
  /** The code of the close. */
  readonly closed: Promise<number>
  close(): void
}

/** A token that any node of the test takes. */
export function tokenFor(sub: string, role = 'user', claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const issuer = new TokenIssuer({ secret: new TextEncoder().encode(jwtSecret), now: Date.now })
  return issuer.issueToken({ sub, name: sub, role, ...claims }, 3_600_000)
}

export async function serveNode(
  redis: RedisServer,
  redisPrefix: string,
  more: Partial<CreateOptions> & { setUp?: (roomful: Roomful) => void } = {},
): Promise<ServedNode> {
  const { setUp = (made: Roomful) => made.standardNamespaces(), ...options } = more
  const roomful = createRoomful({
    data: ':memory:',
    redisUrl: redis.url,
    redisPrefix,
    jwtSecret,
    apiKey: API_KEY,
    hosts: ['127.0.0.1'],
    ...options,
  })
  setUp(roomful)
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => roomful.close())
  const api = async (path: string, body?: object) => {
    const response = await fetch(`${url}/api/server/${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    return (await response.json()) as Record<string, unknown>
  }
  return { roomful, url, api }
}

/** @param token without one it is a guest in `/public` */
export async function connectTo({ url }: ServedNode, token?: string, path = '/ws/public'): Promise<TestSocket> {
  const query = token === undefined ? '' : `?token=${encodeURIComponent(token)}`
  const { socket, frames, next, ask, closed } = await openPlain(url, path + query)
  const welcome = await next(({ type }) => type === 'welcome')
  return { frames, connectionId: String(welcome.id), next, ask, closed, close: () => socket.close() }
}
