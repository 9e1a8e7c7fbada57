/** `roomful backup`, `restore`, `export` and `erase`, as a person runs them. docs/backup.md. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { user } from './lib/client.ts'
import { pinnedNode } from './lib/node.ts'
import { Server, UNLIMITED } from './lib/server.ts'

const cli = fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url))
const API_KEY = 'a-key-for-tests-of-sixteen'
const env = { PATH: process.env.PATH, ROOMFUL_API_KEY: API_KEY }

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'roomful-data-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const argumentsOf = (args: readonly string[]): string[] => ['--conditions=source', cli, ...args]

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(pinnedNode(), argumentsOf(args), { env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

async function serve(data?: string): Promise<Server> {
  const given = { entry: cli, args: ['serve'], env: { ...UNLIMITED, ROOMFUL_API_KEY: API_KEY } }
  const server = await Server.start(data === undefined ? given : { ...given, data })
  onTestFinished(() => server.dispose())
  return server
}

it('[V26] a backup beside a server that is written to is restored into a new folder, as a log of its own', async () => {
  const server = await serve()
  const base = folder()
  const [to, data] = [join(base, 'backup'), join(base, 'data')]
  await server.post('/api/users', { username: 'ann', password: 'a long password' })
  const ben = await user(server, 'ben')
  const { epoch } = await ben.ok('room:join', { roomId: 'lobby' })
  let isOver = false
  let sent = 0
  const writing = (async () => {
    for (; !isOver; sent++) await ben.ok('message:send', { roomId: 'lobby', content: `message ${sent}` })
  })()
  await expect.poll(() => sent).toBeGreaterThan(20)
  const before = sent
  const backup = spawn(pinnedNode(), argumentsOf(['backup', '--data', server.data, '--to', to]), {
    env,
    stdio: 'inherit',
  })
  expect(await once(backup, 'exit')).toEqual([0, null])
  await expect.poll(() => sent).toBeGreaterThan(before + 20)
  isOver = true
  await writing
  expect(readdirSync(to).toSorted()).toEqual(['backup.json', 'roomful.db', 'users.db'])
  for (const file of readdirSync(to)) expect(statSync(join(to, file)).mode & 0o077, file).toBe(0)
  expect(run('restore', '--from', to, '--data', data)).toMatchObject({ status: 0, stdout: expect.stringContaining('is a new one') }) // biome-ignore format: one call
  const restored = await serve(data)
  const back = await user(restored, 'ben')
  const joined = await back.ok('room:join', { roomId: 'lobby', after: { epoch, seq: sent } })
  expect(joined).toMatchObject({ recovered: false, reason: 'epoch' })
  expect(joined.seq).toBeGreaterThanOrEqual(before)
  expect(joined.seq).toBeLessThan(sent)
  expect((await restored.post('/api/session', { username: 'ann', password: 'a long password' })).status).toBe(200)
}, 60_000)

it('[V26] a backup that cannot be finished leaves nothing, and one that was killed does not pass for one', async () => {
  const server = await serve()
  const ann = await user(server, 'ann')
  for (let i = 0; i < 40; i++) await ann.ok('message:send', { roomId: 'lobby', content: 'x'.repeat(10_000) })
  const base = folder()
  const to = join(base, 'backup')
  const args = ['backup', '--data', server.data, '--to', to]
  // Files may not grow beyond so many blocks: as on a disk that is full.
  const full = spawnSync('sh', ['-c', 'ulimit -f 100; exec "$@"', '--', pinnedNode(), ...argumentsOf(args)], { env, encoding: 'utf8' }) // biome-ignore format: one call
  expect(full.stderr).toContain('The backup failed, and nothing is left of it')
  expect([full.status, readdirSync(base)]).toEqual([1, []])
  const killed = spawn(pinnedNode(), argumentsOf(args), { env, stdio: 'ignore' })
  const exited = once(killed, 'exit')
  await expect.poll(() => readdirSync(base).length, { interval: 1, timeout: 10_000 }).toBeGreaterThan(0)
  killed.kill('SIGKILL')
  await exited
  if (existsSync(to)) rmSync(to, { recursive: true }) // it was quicker, and is whole
  expect(run(...args).status).toBe(0)
  expect(readdirSync(base)).toEqual(['backup'])
  expect(run(...args)).toMatchObject({ status: 2, stderr: expect.stringContaining('is not empty') })
}, 60_000)

it('[V26] what is damaged, newer or not there is not restored, and nothing is made', () => {
  const base = folder()
  const [from, data] = [join(base, 'backup'), join(base, 'data')]
  const refusal = (): string => {
    const { status, stderr } = run('restore', '--from', from, '--data', data)
    expect(status).not.toBe(0)
    expect(existsSync(data)).toBe(false)
    return stderr
  }
  expect(refusal()).toContain(`There is no data in ${from}`)
  mkdirSync(from)
  const path = join(from, 'roomful.db')
  const db = new DatabaseSync(path)
  db.exec('CREATE TABLE t (a); PRAGMA user_version = 999')
  db.close()
  expect(refusal()).toContain('newer version of Roomful (format 999')
  const { size } = statSync(path)
  writeFileSync(join(from, 'backup.json'), JSON.stringify({ files: [{ name: 'roomful.db', bytes: size + 1 }] }))
  expect(refusal()).toContain('the backup is damaged')
  rmSync(join(from, 'backup.json'))
  truncateSync(path, size - 4_096)
  expect(refusal()).toContain('is damaged')
})

it('[V27] everything that a user said is exported, and then erased with the account, with a report', async () => {
  const server = await serve()
  const { user: { sub } } = (await (await server.post('/api/users', { username: 'Erin', password: 'a long password' })).json()) as { user: { sub: string } } // biome-ignore format: one value
  const [erin, ben] = [await user(server, sub), await user(server, 'ben')]
  for (const content of ['one', 'two']) await erin.ok('message:send', { roomId: 'lobby', content })
  await ben.ok('message:send', { roomId: 'lobby', content: 'of Ben' })
  await ben.ok('message:private', { to: sub, content: 'for Erin' })
  const lines = (...args: string[]) => {
    const { status, stdout } = run('export', '--data', server.data, ...args)
    expect(status).toBe(0)
    return stdout.trim().split('\n').map((line) => JSON.parse(line)) // biome-ignore format: one chain
  }
  expect(lines('--room', 'lobby')).toMatchObject([
    { namespace: '/', roomId: 'lobby', seq: 1, userId: sub, type: 'message:new', args: [{ content: 'one' }] },
    { seq: 2 },
    { seq: 3, userId: 'ben' },
  ])
  expect(lines('--user', sub)).toHaveLength(3)
  const report = run('erase', sub, '--server', server.http)
  expect(report).toMatchObject({ status: 0, stderr: '' })
  expect(report.stdout).toContain(
    `Erased ${sub}: 1 connections closed, the account removed.\n  /  2 events emptied, 1 received ones`,
  )
  expect((await erin.closed).code).toBe(4009)
  expect(lines('--room', 'lobby')).toMatchObject([{ seq: 1, redacted: true }, { seq: 2, redacted: true }, { seq: 3 }])
  expect((await server.post('/api/session', { username: 'Erin', password: 'a long password' })).status).toBe(401)
  expect(run('erase', sub, '--server', server.http).stdout).toContain('0 connections closed, no account')
}, 60_000)
