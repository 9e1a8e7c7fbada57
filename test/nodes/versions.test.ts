/**
 * An older and a newer node beside each other on one Redis, as during a rolling upgrade, and then the newer alone. The older
 * one differs by its scripts; with OLDER=<folder of an older checkout> it is that version, and its SDK is run against the
 * newer server and the newer SDK against its server. docs/operations.md.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { connect } from '@roomful/client'
import { createClient } from 'redis'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { startRedis } from '../../scripts/lib/cluster/redis.ts'
import { type Client, guest, user } from '../outside/lib/client.ts'
import { Server, UNLIMITED } from '../outside/lib/server.ts'

const cliOf = (root: string): string => join(root, 'packages/server/src/cli.ts')
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ANOTHER = pathToFileURL(fileURLToPath(new URL('./fixtures/another-version.ts', import.meta.url))).href
const { OLDER } = process.env

it('[D2] [D15] an older and a newer node share rooms, presence and sessions, and the newer goes on alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-versions-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await startRedis({ port: await freePort(), folder, appendfsync: 'off' })
  onTestFinished(() => redis.stop())
  const start = async (isOlder: boolean): Promise<Server> => {
    const entry = cliOf(isOlder ? (OLDER ?? ROOT) : ROOT)
    const other = isOlder && OLDER === undefined ? { NODE_OPTIONS: `--conditions=source --import=${ANOTHER}` } : {}
    const env = { ...UNLIMITED, REDIS_URL: redis.url, ...other }
    const server = await Server.start({ entry, args: ['serve'], env })
    onTestFinished(() => server.dispose())
    return server
  }
  const older = await start(true)
  const newer = await start(false)
  const inspector = await createClient({ url: redis.url }).connect()
  onTestFinished(() => inspector.destroy())
  const libraries = (await inspector.functionList()).map((each) => each.library_name)
  expect(libraries.filter((name) => name?.startsWith('roomful_'))).toHaveLength(2)

  const [ann, ben] = [await user(older, 'ann'), await user(newer, 'ben')]
  for (const client of [ann, ben]) await client.ok('room:join', { roomId: 'a' })
  for (const client of [ann, ben]) {
    const snapshot = JSON.stringify(await client.ok('presence:get', { roomId: 'a' }))
    for (const userId of ['ann', 'ben']) expect(snapshot).toContain(`"userId":"${userId}"`)
  }
  const sent: string[] = []
  const say = async (client: Client, content: string, key?: string): Promise<{ seq: number }> => {
    const ack = await client.ok('message:send', { roomId: 'a', content, ...(key !== undefined && { key }) })
    if (!sent.includes(content)) sent.push(content)
    return ack as { seq: number }
  }
  for (let i = 0; i < 20; i++) await say(i % 2 === 0 ? ann : ben, `both ${i}`)
  for (const client of [ann, ben]) {
    const seen = []
    for (const content of sent) seen.push((await client.next({ type: 'chat:message', content })).seq)
    expect(seen).toEqual(sent.map((_, at) => at + 1))
  }

  // A clean stop of the older one: its client comes back to the newer, and has everything after its position.
  await older.stop()
  await say(ben, 'while ann was away')
  const back = await user(newer, 'ann')
  expect(await back.ok('room:join', { roomId: 'a', after: 20 })).toMatchObject({ recovered: true })
  expect(await back.next({ type: 'chat:message', content: 'while ann was away' })).toMatchObject({ seq: 21 })

  // And back: the older version still reads what the newer has written.
  const again = await start(true)
  const cat = await user(again, 'cat')
  expect(await cat.ok('room:join', { roomId: 'a', after: 0 })).toMatchObject({ seq: 21 })
  await cat.next({ type: 'chat:message', content: 'while ann was away' })
  expect(await say(cat, 'rolled back')).toMatchObject({ seq: 22 })
  await back.next({ type: 'chat:message', content: 'rolled back' })
}, 90_000)

if (OLDER !== undefined) {
  const { connect: connectOlder } = (await import(join(OLDER, 'packages/client/src/index.ts'))) as {
    connect: typeof connect
  }

  it.each([
    ['older SDK', connectOlder, ROOT],
    ['newer SDK', connect, OLDER],
  ])(
    '[D2] [C18] the %s with the other server: messages, a cut, and what was missed meanwhile',
    async (_, open, root) => {
      const start = async (from?: Server): Promise<Server> => {
        const at = from && { data: from.data, port: from.port }
        const server = await Server.start({ entry: cliOf(root), args: ['serve'], env: UNLIMITED, ...at })
        onTestFinished(() => server.dispose())
        return server
      }
      const server = await start()
      for (const transports of [['websocket'], ['sse'], ['poll']] as const) {
        const client = open(server.http, { namespace: '/public', name: transports[0], transports })
        onTestFinished(() => client.close())
        const room = client.room('a')
        const received: unknown[] = []
        room.on('message:new', ({ content }) => received.push(content))
        await room.ready
        await room.send(`by ${transports[0]}`)
        await expect.poll(() => received.at(-1), { timeout: 10_000 }).toBe(`by ${transports[0]}`)
      }
      const staying = open(server.http, { namespace: '/public', name: 'Ann' })
      onTestFinished(() => staying.close())
      const room = staying.room('b')
      const received: unknown[] = []
      room.on('message:new', ({ content }) => received.push(content))
      await room.ready
      await room.send('before')
      await server.kill()
      const again = await start(server)
      const other = await guest(again, 'Ben')
      await other.ok('room:join', { roomId: 'b' })
      await other.ok('message:send', { roomId: 'b', content: 'meanwhile' })
      await room.send('after')
      await expect.poll(() => received, { timeout: 20_000 }).toEqual(['before', 'meanwhile', 'after'])
    },
    90_000,
  )
}
