/** An application's own identity on two nodes: `authenticate`, and the backend that is asked over HTTP. D19. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Client, connect } from '@roomful/client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { Authenticate } from '../../src/index.ts'
import { type ServedNode, serveNode } from './nodes-of-one-log.ts'
import { type RedisServer, startRedis } from './server.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const sessions = new Map([['ann', { sub: 'ann', name: 'Ann', role: 'captain', team: 7 }]])
const authenticate: Authenticate = ({ headers }) => sessions.get(/sid=(\w+)/.exec(String(headers.cookie))?.[1] ?? '')

function withCookie({ url }: ServedNode, sid: string): Client {
  const client = connect(url, {
    namespace: '/chat',
    transports: ['websocket'],
    WebSocket: class extends WebSocket {
      constructor(address: string, protocols?: string | string[]) {
        super(address, protocols, { headers: { cookie: `sid=${sid}` } })
      }
    },
  })
  onTestFinished(() => client.close())
  return client
}

const isOpen = (client: Client) => vi.waitFor(() => expect(client.state.status).toBe('open'), { timeout: 5_000 })

describe('[D19] [Z7] an identity of the application on two nodes', () => {
  it('is one user, with the role that the application or an administrator says, and a ban holds on both', async () => {
    const more = { authenticate }
    const [a, b] = [await serveNode(redis, 'own', more), await serveNode(redis, 'own', more)]
    const [first, second] = [withCookie(a, 'ann'), withCookie(b, 'ann')]
    await Promise.all([isOpen(first), isOpen(second)])
    expect(second.state).toMatchObject({ user: { sub: 'ann', name: 'Ann', role: 'captain', team: 7 } })
    const room = first.room('lobby')
    await Promise.all([room.ready, second.room('lobby').ready])
    await second.room('lobby').send('Hello')
    expect(room.members.map(({ userId }) => userId)).toEqual(['ann'])
    await a.roomful.setRole('ann', 'support')
    await vi.waitFor(() => expect(second.state).toMatchObject({ user: { role: 'support', team: 7 } }))
    await b.roomful.ban('ann')
    for (const client of [first, second]) {
      await vi.waitFor(() => expect(client.state).toMatchObject({ status: 'closed', ending: { code: 4003 } }), {
        timeout: 8_000,
      })
    }
    const refused = withCookie(a, 'ann')
    await vi.waitFor(() => expect(refused.state).toMatchObject({ status: 'closed', ending: { code: 4003 } }), {
      timeout: 8_000,
    })
    const unknown = withCookie(b, 'bob')
    await vi.waitFor(() => expect(unknown.state).toMatchObject({ status: 'closed', ending: { code: 4001 } }), {
      timeout: 8_000,
    })
  })

  it('is asked for again on the other node, where its session goes on', async () => {
    let asked = 0
    const counted: Authenticate = (request, credentials) => {
      asked++
      return authenticate(request, credentials)
    }
    const [a, b] = [
      await serveNode(redis, 'resume', { authenticate }),
      await serveNode(redis, 'resume', { authenticate: counted }),
    ]
    let at = a.url
    const client = connect('http://127.0.0.1', {
      namespace: '/chat',
      transports: ['websocket'],
      random: () => 0.99,
      WebSocket: class extends WebSocket {
        constructor(_url: string, protocols?: string | string[]) {
          super(`${at.replace('http', 'ws')}/ws`, protocols, { headers: { cookie: 'sid=ann' } })
        }
      },
    })
    onTestFinished(() => client.close())
    await client.room('lobby').ready
    const { connectionId } = client.state as { connectionId: string }
    at = b.url
    void a.roomful.close()
    await vi.waitFor(() => expect(client.state).toMatchObject({ status: 'open', recovered: true, connectionId }), {
      timeout: 15_000,
    })
    expect(asked).toBe(1)
  })

  it('that a backend says is forgotten on every node by a disconnect', async () => {
    let isSignedIn = true
    const backend = createServer((_request, response) => {
      if (isSignedIn) response.end(JSON.stringify({ user: { sub: 'ann' }, cacheMs: 300_000 }))
      else response.writeHead(401).end()
    })
    backend.listen(0, '127.0.0.1')
    await once(backend, 'listening')
    onTestFinished(() => void backend.close())
    const identityUrl = `http://127.0.0.1:${(backend.address() as AddressInfo).port}/`
    const more = { identityUrl, identitySecret: 'a secret' }
    const [a, b] = [await serveNode(redis, 'kept', more), await serveNode(redis, 'kept', more)]
    await isOpen(withCookie(b, 'ann'))
    isSignedIn = false
    await isOpen(withCookie(b, 'ann')) // kept
    expect(await a.api('disconnect', { userId: 'ann' })).toMatchObject({ status: 'ok', disconnected: 2 })
    const late = withCookie(b, 'ann')
    await vi.waitFor(() => expect(late.state).toMatchObject({ status: 'closed', ending: { code: 4001 } }), {
      timeout: 8_000,
    })
  })
})
