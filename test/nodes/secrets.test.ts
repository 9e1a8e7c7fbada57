/** A secret that leaked is changed while clients stay, on one node after another. docs/operations.md. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@roomful/client'
import { createRoomful, type Roomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { startRedis } from '../../scripts/lib/cluster/redis.ts'
import { token } from '../outside/lib/token.ts'

const OLD = 'the old secret, which others have seen by now'
const NEW = 'the new secret, which has been seen by none so far'

const tokenOf = (secret: string): string => token({ sub: 'ann', name: 'Ann' }, { secret })

/** A balancer: each link goes to the first node that takes it. @returns (resolves) its port */
async function openBalancer(ports: readonly number[]): Promise<number> {
  const balancer = createServer((incoming) => {
    const tryNext = ([port, ...others]: readonly number[]): void => {
      if (port === undefined) return void incoming.destroy()
      const outgoing = connectTcp(port, '127.0.0.1')
      let isOpen = false
      outgoing.once('connect', () => {
        isOpen = true
        incoming.pipe(outgoing).pipe(incoming)
      })
      outgoing.on('error', () => (isOpen ? incoming.destroy() : tryNext(others)))
      outgoing.on('close', () => isOpen && incoming.destroy())
      incoming.on('close', () => outgoing.destroy())
    }
    incoming.on('error', () => undefined)
    tryNext(ports)
  })
  balancer.listen(0, '127.0.0.1')
  await once(balancer, 'listening')
  onTestFinished(() => void balancer.close())
  return (balancer.address() as AddressInfo).port
}

it('[D2] [A2.3] JWT_SECRET is changed on one node after another: none is left out, and no client with a valid token', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-secrets-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await startRedis({ port: await freePort(), folder, appendfsync: 'off' })
  onTestFinished(() => redis.stop())
  const ports = [await freePort(), await freePort()]
  const nodes: (Roomful | undefined)[] = []
  onTestFinished(async () => void (await Promise.all(nodes.map((node) => node?.close()))))
  const replace = async (at: number, jwtSecret: string, jwtSecretOther?: string): Promise<void> => {
    await nodes[at]?.close()
    const given = { jwtSecret, ...(jwtSecretOther !== undefined && { jwtSecretOther }) }
    const node = createRoomful({ redisUrl: redis.url, drainMs: 0, ...given }).standardNamespaces()
    nodes[at] = node
    await node.listen({ port: ports[at] ?? 0, host: '127.0.0.1' })
  }
  const isLetIn = async (at: number, secret: string): Promise<boolean> => {
    const client = connect(`http://127.0.0.1:${ports[at]}`, { token: tokenOf(secret), transports: ['websocket'] })
    try {
      return await client.request('room:join', { roomId: 'a' }).then(() => true, () => false) // biome-ignore format: one line
    } finally {
      await client.close()
    }
  }
  for (const at of [0, 1]) await replace(at, OLD)
  expect([await isLetIn(0, OLD), await isLetIn(0, NEW)]).toEqual([true, false])
  // A client that stays all the time. Its page gets tokens of the secret that is current.
  let current = OLD
  const staying = connect(`http://127.0.0.1:${await openBalancer(ports)}`, { token: () => tokenOf(current) })
  onTestFinished(() => staying.close())
  const room = staying.room('a')
  const received: unknown[] = []
  room.on('message:new', ({ content }) => received.push(content))
  await room.ready
  const sent: string[] = []
  const say = async (at: number): Promise<void> => {
    const content = `message ${sent.length}`
    sent.push(content)
    await nodes[at]?.get('/').publish('a', 'message:new', [{ content }])
    await expect.poll(() => received, { timeout: 20_000 }).toEqual(sent)
  }
  for (const [secret, other] of [
    [OLD, NEW],
    [NEW, OLD],
  ] as const) {
    // biome-ignore format: one list
    for (const at of [0, 1]) {
      await replace(at, secret, other)
      await say(at)
      // Both nodes serve, and ask each other: neither was left out for its secret.
      expect(await isLetIn(at, OLD)).toBe(true)
      expect(await isLetIn(1 - at, OLD)).toBe(true)
      expect((await nodes[at]?.disconnectUser('ben'))?.nodes).toMatchObject({ asked: 1, answered: 1 })
    }
    for (const at of [0, 1]) expect(await isLetIn(at, NEW)).toBe(true)
    current = secret
  }
  for (const at of [0, 1]) {
    await replace(at, NEW)
    await say(at)
  }
  for (const at of [0, 1]) expect([await isLetIn(at, OLD), await isLetIn(at, NEW)]).toEqual([false, true])
}, 60_000)
