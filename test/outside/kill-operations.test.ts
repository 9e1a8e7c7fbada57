/**
 * `kill -9` of a server in the middle of a batch of webhooks and of a backup, and of a backup and a restore themselves: nothing
 * that was acknowledged is lost, and nothing half done passes for whole. docs/backup.md, docs/webhooks.md.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startReceiver, WEBHOOK_SECRET } from '../../packages/server/test/webhooks/receiver.ts'
import { backUp, CLI, killInBackup, killInRestore, killInWebhookBatch } from '../chaos/operations.ts'
import { user } from './lib/client.ts'
import { Server, UNLIMITED } from './lib/server.ts'

const ROUNDS = 2

it('[V26] [I9] kill -9 in a batch of webhooks, a backup and a restore loses nothing that was acknowledged', async () => {
  const base = mkdtempSync(join(tmpdir(), 'roomful-kill-'))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
  const receiver = await startReceiver()
  const env = { ...UNLIMITED, ROOMFUL_WEBHOOK_URL: receiver.url, ROOMFUL_WEBHOOK_SECRET: WEBHOOK_SECRET }
  let server = await Server.start({ entry: CLI, args: ['serve'], env })
  onTestFinished(() => server.dispose())
  const acknowledged: string[] = []
  const write = async (round: number, count: number): Promise<void> => {
    const client = await user(server, 'writer')
    await client.ok('room:join', { roomId: 'a' })
    for (let i = 0; i < count; i++) {
      const content = `${round}-${i} ${'x'.repeat(4_000)}`
      await client.ok('message:send', { roomId: 'a', content })
      acknowledged.push(content)
    }
  }
  for (let round = 0; round < ROUNDS; round++) {
    await write(round, 40)
    const kill = async (): Promise<void> => {
      await server.kill()
      server = await Server.start({ entry: CLI, args: ['serve'], env, data: server.data, port: server.port })
    }
    await killInWebhookBatch(receiver, kill, () => write(round + 10, 10))
    await killInBackup(server.data, join(base, `backup-${round}`), kill)
  }
  const before = acknowledged.length
  const data = join(base, 'restored')
  await killInRestore(await backUp(server.data, join(base, 'backup')), data)
  for (const folder of [server.data, data]) {
    if (folder === data) await server.kill()
    const one = folder === data ? await Server.start({ entry: CLI, args: ['serve'], env: UNLIMITED, data }) : server
    if (folder === data) onTestFinished(() => one.dispose())
    const reader = await user(one, 'reader')
    expect(await reader.ok('room:join', { roomId: 'a' })).toMatchObject({ seq: before })
    const { events } = (await reader.ok('history:get', { roomId: 'a', after: 0, limit: 100 })) as { events: { content: string }[] } // biome-ignore format: one value
    expect(events.map(({ content }) => content)).toEqual(acknowledged.slice(0, events.length))
  }
  const contents = (): string[] => {
    const stored = receiver.events.filter(({ type }) => type === 'event.stored')
    return [...new Set(stored.map((event) => (event.data.args as [{ content: string }])[0].content))]
  }
  await expect.poll(contents, { timeout: 15_000 }).toEqual(acknowledged)
}, 120_000)
