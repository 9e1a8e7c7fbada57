/** The inspector of Commons with two nodes: an administrator sees the same on either. B14, D8. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Endings } from '../../apps/commons/features/inspector/endings.ts'
import { FactCounter } from '../../apps/commons/features/inspector/fact-counter.ts'
import { addInspector } from '../../apps/commons/features/inspector/server.ts'
import { serveCommons } from '../../apps/commons/test/support/commons.ts'
import { next, open, quick } from '../../apps/commons/test/support/sockets.ts'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { startRedis } from '../../scripts/lib/cluster/redis.ts'

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
