/** The inspector of Commons with two nodes: an administrator sees the same on either. B14, D8. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import { expect, it, onTestFinished } from 'vitest'
import type { Commons } from '../../apps/commons/commons.ts'
import { Endings } from '../../apps/commons/features/inspector/endings.ts'
import { FactCounter } from '../../apps/commons/features/inspector/fact-counter.ts'
import { addInspector } from '../../apps/commons/features/inspector/server.ts'
import { serveCommons, tokenOf } from '../../apps/commons/test/support/commons.ts'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { startRedis } from '../../scripts/lib/cluster/redis.ts'

const next = (socket: Socket, event: string): Promise<Record<string, unknown>> =>
  new Promise((resolve) => socket.once(event, resolve))

async function open(url: string, namespace: string, sub: string, role?: string): Promise<Socket> {
  const socket = io(url + namespace, { auth: { token: tokenOf(sub, role) }, transports: ['websocket'], forceNew: true })
  onTestFinished(() => void socket.disconnect())
  await next(socket, 'connect')
  return socket
}

/** Ten times as fast, so that the test is short. */
const quick = (clock: Commons['clock']): Commons['clock'] => ({
  now: () => clock.now(),
  after: (ms, fn) => clock.after(ms / 10, fn),
})

async function serve(redisUrl: string): Promise<string> {
  const [tally, endings] = [new FactCounter(), new Endings()]
  const { url } = await serveCommons(
    (commons) => addInspector({ ...commons, clock: quick(commons.clock) }, { tally, endings }, ['/', '/admin']),
    {
      redisUrl,
      stories: true,
      observer: {
        observe(fact) {
          tally.observe(fact)
          endings.observe(fact)
        },
      },
    },
  )
  return url
}

it('[B14] [D8] connections that ended lately are in the list, whichever node they were on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-inspector-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await startRedis({ port: await freePort(), folder, appendfsync: 'always' })
  onTestFinished(() => redis.stop())
  const [a, b] = [await serve(redis.url), await serve(redis.url)]
  const admin = await open(a, '/admin', 'root', 'admin')
  const ended = async () => {
    const answer = await admin.emitWithAck('connection:ended')
    return (answer.ended as { userId: string }[]).map(({ userId }) => userId)
  }
  ;(await open(b, '/', 'ann')).disconnect()
  await expect.poll(ended, { timeout: 15_000 }).toEqual(['ann'])
  ;(await open(a, '/', 'bob')).disconnect()
  await expect.poll(ended).toEqual(['bob', 'ann'])
  const { connections } = await next(admin, 'stats:update')
  expect(connections).toBe(1)
})
