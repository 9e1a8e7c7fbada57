/**
 * `kill -9` of a server in the middle of a batch of webhooks and of a backup, and of a backup and a restore themselves: nothing
 * that was acknowledged is lost, and nothing half done passes for whole. docs/backup.md, docs/webhooks.md.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { startReceiver, WEBHOOK_SECRET } from '../../packages/server/test/webhooks/receiver.ts'
import { user } from './lib/client.ts'
import { pinnedNode } from './lib/node.ts'
import { Server, UNLIMITED } from './lib/server.ts'

const cli = fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url))
const ROUNDS = 2

function begin(...args: string[]): ChildProcess {
  return spawn(pinnedNode(), ['--conditions=source', cli, ...args], {
    env: { PATH: process.env.PATH },
    stdio: 'ignore',
  })
}

/** Killed once it has begun to write, unless it was quicker. */
async function killInTheMiddle(child: ChildProcess, draft: string): Promise<void> {
  const exited = once(child, 'exit')
  await expect.poll(() => existsSync(draft) || child.exitCode !== null, { interval: 1, timeout: 15_000 }).toBe(true)
  child.kill('SIGKILL')
  await exited
}

async function finish(child: ChildProcess): Promise<void> {
  expect(await once(child, 'exit')).toEqual([0, null])
}

it('[V26] [I9] kill -9 in a batch of webhooks, a backup and a restore loses nothing that was acknowledged', async () => {
  const base = mkdtempSync(join(tmpdir(), 'roomful-kill-'))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
  const receiver = await startReceiver()
  const env = { ...UNLIMITED, ROOMFUL_WEBHOOK_URL: receiver.url, ROOMFUL_WEBHOOK_SECRET: WEBHOOK_SECRET }
  let server = await Server.start({ entry: cli, args: ['serve'], env })
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
    const isAsked = Promise.withResolvers<void>()
    receiver.answer = () => isAsked.resolve()
    await write(round + 10, 10)
    await isAsked.promise // a batch is at the receiver, neither taken nor refused
    const to = join(base, `backup-${round}`)
    const backup = begin('backup', '--data', server.data, '--to', to)
    await expect.poll(() => existsSync(`${to}.part`) || existsSync(to), { interval: 1, timeout: 15_000 }).toBe(true)
    await server.kill()
    await finish(backup) // it needs no server
    receiver.answer = undefined
    server = await Server.start({ entry: cli, args: ['serve'], env, data: server.data, port: server.port })
    const again = join(base, `again-${round}`)
    await killInTheMiddle(begin('backup', '--data', server.data, '--to', again), `${again}.part`)
    if (existsSync(again)) expect(readdirSync(again)).toContain('backup.json')
  }
  const before = acknowledged.length
  const [to, data] = [join(base, 'backup'), join(base, 'restored')]
  await finish(begin('backup', '--data', server.data, '--to', to))
  await killInTheMiddle(begin('restore', '--from', to, '--data', data), `${data}.part`)
  if (existsSync(data)) rmSync(data, { recursive: true }) // it was quicker, and is whole
  await finish(begin('restore', '--from', to, '--data', data))
  for (const folder of [server.data, data]) {
    if (folder === data) await server.kill()
    const one = folder === data ? await Server.start({ entry: cli, args: ['serve'], env: UNLIMITED, data }) : server
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
