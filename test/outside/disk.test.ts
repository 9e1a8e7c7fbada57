/** A disk that is full: UNAVAILABLE instead of a crash, and on it goes once there is space. "Bad input and trouble". */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { user } from './lib/client.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { until } from './lib/wait.ts'

let server: Server
beforeAll(async () => {
  // No file of the server may grow beyond 2 MiB: what a full disk answers to a write.
  server = await Server.start({ env: UNLIMITED, wrapper: ['sh', '-c', 'ulimit -S -f 4096; exec "$@"', 'sh'] })
})
afterAll(() => server.dispose())

it('[C16] a full disk refuses what must be stored, keeps the rest going, and heals', { timeout: 60_000 }, async () => {
  const [ann, ben] = [await user(server, 'ann'), await user(server, 'ben')]
  for (const client of [ann, ben]) await client.ok('room:join', { roomId: 'disk' })
  const content = 'x'.repeat(40_000)
  const stored: number[] = []
  let error: Record<string, unknown> | undefined
  for (let i = 0; i < 500 && !error; i++) {
    const ack = await ann.request('chat:message', { roomId: 'disk', content: `${i} ${content}` })
    if (ack.error) error = ack.error as Record<string, unknown>
    else stored.push((ack.data as { seq: number }).seq)
  }
  expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.any(String) })
  expect(stored.length).toBeGreaterThan(5)

  // Nobody heard what was not stored; what needs no disk goes on; what was stored can be read.
  await ben.next({ seq: stored.at(-1) as number })
  await ben.settled()
  expect(ben.received.flatMap((frame) => (frame.type === 'chat:message' ? [frame.seq] : []))).toEqual(stored)
  ann.send({ type: 'typing:start', roomId: 'disk' })
  await ben.next('user:typing')
  expect(((await ben.ok('history:get', { roomId: 'disk', limit: 3 })).events as unknown[]).length).toBe(3)
  const late = await user(server, 'late')
  await late.ok('room:join', { roomId: 'disk' })

  execFileSync('prlimit', ['--pid', String(server.pid), '--fsize=unlimited'])
  const again = await until(
    async () => {
      const ack = await ann.request('chat:message', { roomId: 'disk', content: 'there is space again' })
      return ack.error ? undefined : (ack.data as { seq: number })
    },
    { what: 'storing after the disk has space', timeoutMs: 15_000, everyMs: 100 },
  )
  expect(again.seq).toBe((stored.at(-1) as number) + 1)
  await until(async () => (await server.get('/ready')).status === 200, { what: '/ready' })
})
