/** A server that cannot run as told says so in a sentence and does not start. E8. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { user } from './lib/client.ts'
import { Server, type ServerOptions, UNLIMITED } from './lib/server.ts'
import { within } from './lib/wait.ts'

let servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.map((server) => server.dispose()))
  servers = []
})

/** Starts what must not start. @returns all it said. */
async function refusalOf(options: ServerOptions): Promise<string> {
  const server = await Server.spawn(options)
  servers.push(server)
  const exit = await within(server.exited, 15_000, 'refusing to start')
  expect(exit.code).not.toBe(0)
  expect(exit.signal).toBeNull()
  return server.output
}

/** A sentence for people: no stack of the program. */
const isSentence = (said: string): boolean => !/\n\s+at .+:\d+:\d+/.test(said)

it.each([
  ['a misspelt name', { ROOMFUL_PING_INTERVALL_MS: '100' }, /ROOMFUL_PING_INTERVALL_MS/],
  ['a name that does not exist', { ROOMFUL_NO_SUCH_THING: '1' }, /ROOMFUL_NO_SUCH_THING/],
  ['no number', { ROOMFUL_PING_INTERVAL_MS: 'soon' }, /ROOMFUL_PING_INTERVAL_MS/],
  ['a negative number', { ROOMFUL_MAX_ROOMS: '-1' }, /ROOMFUL_MAX_ROOMS/],
  ['a broken number', { ROOMFUL_RATE_PER_SECOND: '1.5x' }, /ROOMFUL_RATE_PER_SECOND/],
  ['no choice of those there are', { ROOMFUL_AUTH: 'sometimes' }, /ROOMFUL_AUTH/],
  ['no choice of those there are, 2', { ROOMFUL_AUTH_REJECT: 'politely' }, /ROOMFUL_AUTH_REJECT/],
  ['no switch', { ROOMFUL_FIRST_MESSAGE_AUTH: 'maybe' }, /ROOMFUL_FIRST_MESSAGE_AUTH/],
  ['no level', { LOG_LEVEL: 'shouting' }, /LOG_LEVEL/],
  ['a certificate without its key', { ROOMFUL_TLS_CERT: '/nowhere.pem' }, /ROOMFUL_TLS/],
  ['more workers without Redis', { ROOMFUL_WORKERS: '2' }, /REDIS_URL/],
  ['a port that is none', { PORT: '99999' }, /PORT/],
])('[C16] %s fails at start with a sentence', async (_what, env, named) => {
  const said = await refusalOf({ env })
  expect(said).toMatch(named)
  expect(isSentence(said), said).toBe(true)
})

it('[C16] a misspelt name is met with the right one', async () => {
  expect(await refusalOf({ env: { ROOMFUL_PING_INTERVALL_MS: '100' } })).toContain('ROOMFUL_PING_INTERVAL_MS')
})

it('[C16] a port in use fails with a sentence that names it, through npm start too', { timeout: 90_000 }, async () => {
  const first = await Server.start()
  servers.push(first)
  for (const via of ['node', 'npm'] as const) {
    const said = await refusalOf({ port: first.port, via })
    expect(said).toContain(String(first.port))
    expect(isSentence(said), said).toBe(true)
  }
  await user(first, 'undisturbed')
})

it('[C16] a data folder belongs to one server', async () => {
  const first = await Server.start()
  servers.push(first)
  const said = await refusalOf({ data: first.data })
  expect(said).toContain(first.data)
  expect(isSentence(said), said).toBe(true)
  await (await user(first, 'undisturbed')).ok('chat:message', { roomId: 'x', content: 'still writing' })
})

it('[C16] the lock of a killed server holds nobody up', async () => {
  const first = await Server.start()
  await first.kill()
  servers.push(await Server.start({ data: first.data }))
})

it('[C16] a data folder that cannot be made fails with a sentence', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'roomful-outside-'))
  try {
    await writeFile(join(folder, 'file'), 'not a folder')
    const data = join(folder, 'file', 'data')
    const said = await refusalOf({ data })
    expect(said).toContain('file')
    expect(isSentence(said), said).toBe(true)
  } finally {
    await rm(folder, { recursive: true })
  }
})

it('[C16] a data folder with rubbish in place of a database fails with a sentence, and nothing is overwritten', async () => {
  const first = await Server.start()
  servers.push(first)
  await first.stop()
  const databases = (await readdir(first.data)).filter((name) => name.endsWith('.db'))
  expect(databases.length).toBeGreaterThan(0)
  for (const name of databases)
    await writeFile(join(first.data, name), 'no database at all, but something dear to somebody')
  const said = await refusalOf({ data: first.data })
  expect(said).toContain(first.data)
  expect(isSentence(said), said).toBe(true)
  for (const name of databases) expect(await readFile(join(first.data, name), 'utf8')).toMatch(/^no database at all/)
})

it('[C16] without JWT_SECRET one is made, kept private, and used again', async () => {
  const env = { ...UNLIMITED, JWT_SECRET: '' }
  const first = await Server.start({ env })
  expect(first.output).toMatch(/JWT_SECRET/)
  const response = await first.post('/api/users', { username: 'keeper', password: 'a password that is long' })
  const made = (await response.json()) as { token: string }
  await first.stop()
  const second = await Server.start({ env, data: first.data })
  servers.push(second)
  const rooms = await second.get('/api/rooms', { authorization: `Bearer ${made.token}` })
  expect(rooms.status).toBe(200)
})

it('[C16] a short JWT_SECRET is warned of', async () => {
  const server = await Server.start({ env: { JWT_SECRET: 'short' } })
  servers.push(server)
  expect(server.output).toMatch(/JWT_SECRET/)
  expect(server.output).not.toMatch(/['"\s]short['"\s]*$/m)
})

it('[C3] npm start prints where it is', { timeout: 100_000 }, async () => {
  const server = await Server.start({ via: 'npm' })
  servers.push(server)
  expect(server.output).toMatch(new RegExp(`http://(localhost|127\\.0\\.0\\.1):${server.port}`))
})
