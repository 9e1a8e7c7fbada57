/** Redis that is slow or away when a server starts: Commons as a user starts it, and a server of one's own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRoomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { startRedis } from '../../scripts/lib/cluster/redis.ts'
import { dial } from '../outside/lib/client.ts'
import { Server } from '../outside/lib/server.ts'

const COMMONS = fileURLToPath(new URL('../../apps/commons/main.ts', import.meta.url))

async function startLater(port: number) {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-late-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await startRedis({ port, folder, appendfsync: 'always' })
  onTestFinished(() => redis.stop())
  return redis
}

async function spawnCommons(redisPort: number): Promise<Server> {
  const server = await Server.spawn({ entry: COMMONS, env: { REDIS_URL: `redis://127.0.0.1:${redisPort}` } })
  onTestFinished(() => server.dispose())
  await expect
    .poll(() => server.get('/health').catch(() => undefined), { timeout: 20_000 })
    .toMatchObject({ status: 200 })
  return server
}

it('[T10] Commons waits for it: alive but not ready, with one line in the log, and then with its administrator', async () => {
  const port = await freePort()
  const server = await spawnCommons(port)
  const ready = await server.get('/ready')
  expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '1'])
  const page = await server.get('/')
  expect([page.status, await page.json()]).toEqual([503, { error: { code: 'UNAVAILABLE', message: 'The server is starting; try again later', retryAfter: 1 } }]) // biome-ignore format: one answer
  await expect(dial(server, '/ws/public?name=Early').opened()).rejects.toThrow()
  const said = () => server.logs.filter(({ level }) => level === 'warn' || level === 'error' || Number(level) >= 40)
  expect(said()).toHaveLength(1)
  await startLater(port)
  await expect.poll(() => server.output, { timeout: 20_000 }).toContain('sign in as admin')
  expect((await server.get('/ready')).status).toBe(200)
  expect((await server.get('/')).status).toBe(200)
  const guest = dial(server, '/ws/public?name=Late')
  await guest.next('welcome')
  expect(said()).toHaveLength(1)
})

it('[T10] SIGTERM ends the wait', async () => {
  const server = await spawnCommons(await freePort())
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

it('[T10] an account that is created before the start waits as well', async () => {
  const port = await freePort()
  const notices: string[] = []
  const roomful = createRoomful({
    redisUrl: `redis://127.0.0.1:${port}`,
    jwtSecret: 'a secret of 32 characters or more',
    observer: { observe: (fact) => void (fact.type === 'notice' && notices.push(fact.message)) },
  })
  onTestFinished(() => roomful.close())
  const creating = roomful.createAccount({ username: 'ann', password: 'a long password', role: 'admin' })
  await expect.poll(() => notices).toEqual([expect.stringContaining('is waited for')])
  await startLater(port)
  expect(await creating).toMatchObject({ name: 'ann', role: 'admin' })
  expect(notices).toHaveLength(1)
})
