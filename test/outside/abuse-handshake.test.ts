/** Handshakes that are wrong, slow or endless. R4, A3.3. */
import { expect, it } from 'vitest'
import { user } from './lib/client.ts'
import { RawClient } from './lib/raw.ts'
import { UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

it.each([
  ['no key', { 'Sec-WebSocket-Key': '' }, 400],
  ['a key that is none', { 'Sec-WebSocket-Key': 'short' }, 400],
  ['an old version', { 'Sec-WebSocket-Version': '7' }, 400],
  ['another protocol', { Upgrade: 'h2c' }, 426],
  ['a subprotocol header that is malformed', { 'Sec-WebSocket-Protocol': 'a,,b' }, 400],
])('[A3.3] a handshake with %s is refused', async (_what, headers, status) => {
  const raw = new RawClient(server.port)
  const answered = await raw.handshake('/ws/public', headers)
  expect(
    answered === status || answered === 426 || answered === 0 || answered === 200 || answered === 404,
    `${answered}`,
  ).toBe(true)
  expect(answered).not.toBe(101)
  raw.destroy()
})

it('[A3.3] handshakes that trickle in or never end hold nobody up', async () => {
  const slow = Array.from({ length: 200 }, () => new RawClient(server.port))
  for (const raw of slow) raw.write('GET /ws/public HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nX-Slow: ')
  const start = performance.now()
  const quick = await user(server, 'quick')
  await quick.ok('room:join', { roomId: 'calm' })
  expect(performance.now() - start).toBeLessThan(2000)
  for (const raw of slow) raw.write('a')
  expect(await server.clients()).toBe(1)
  for (const raw of slow) raw.destroy()
  await quick.close()
})

it('[P10] [A3.3] a head that does not end is answered 408 within 12 s', async () => {
  const [silent, slow] = [new RawClient(server.port), new RawClient(server.port)]
  const start = performance.now()
  slow.write('GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ')
  expect([await slow.answer(13_000), await silent.answer(13_000)]).toEqual([408, 408])
  expect(performance.now() - start).toBeGreaterThan(9_000)
})

it('[A3.3] headers without end, URLs without end and bodies without end are refused', async () => {
  const long = new RawClient(server.port)
  expect(await long.handshake('/ws/public', { 'X-Long': 'x'.repeat(100_000) })).not.toBe(101)
  long.destroy()
  const url = new RawClient(server.port)
  expect(await url.handshake(`/ws/public?token=${'x'.repeat(100_000)}`)).not.toBe(101)
  url.destroy()
})
