/** Dead peers are found by ping and pong. A2.2; here 200 ms and 150 ms stand for the default 30 s and 5 s. */
import { expect, it } from 'vitest'
import { guest, user } from './lib/client.ts'
import { frame, openRaw, PING, PONG } from './lib/raw.ts'
import { UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'
import { within } from './lib/wait.ts'

const PING_INTERVAL_MS = 200
const PONG_TIMEOUT_MS = 150

const server = useServer({
  env: {
    ...UNLIMITED,
    ROOMFUL_PING_INTERVAL_MS: `${PING_INTERVAL_MS}`,
    ROOMFUL_PONG_TIMEOUT_MS: `${PONG_TIMEOUT_MS}`,
  },
})

it('[A2.2] [C4] a client that answers no ping is terminated and leaves its room', async () => {
  const watcher = await guest(server, 'watcher')
  watcher.send({ type: 'join', room: 'beat' })
  await watcher.next('joined')
  const dead = await openRaw(server.port, '/ws/public?name=dead')
  dead.sendText({ type: 'join', room: 'beat' })
  await watcher.next((f) => f.type === 'presence_update' && (f.users as string[]).length === 2)
  const start = performance.now()
  await dead.next(PING)
  await within(dead.ended, 3000, 'terminating a dead client')
  expect(performance.now() - start).toBeLessThan(3 * (PING_INTERVAL_MS + PONG_TIMEOUT_MS))
  await watcher.next((f) => f.type === 'presence_update' && (f.users as string[]).length === 1)
})

it('[A2.2] a client that talks but never pongs is found as well: pings go whatever the traffic', async () => {
  const raw = await openRaw(server.port, '/ws/public?name=chatty')
  const chatter = setInterval(() => raw.sendText({ type: 'ping' }), 20)
  await raw.next(PING)
  clearInterval(chatter)
  raw.destroy()
})

it('[A2.2] a client that pongs lives on through ten rounds', async () => {
  const raw = await openRaw(server.port, '/ws/public?name=alive')
  for (let round = 0; round < 10; round++) {
    const ping = await raw.next(PING)
    raw.write(frame(PONG, ping.payload))
  }
  raw.sendText({ type: 'ping' })
  expect(await raw.nextJson('pong')).toEqual({ type: 'pong' })
  raw.destroy()
})

it('[A2.2] a cut cable (no FIN, no RST) frees the place of the user', async () => {
  const watcher = await user(server, 'cable-watcher')
  await watcher.ok('room:join', { roomId: 'cable' })
  const cut = await user(server, 'cable-cut')
  await cut.ok('room:join', { roomId: 'cable' })
  await watcher.next({ type: 'user:joined', userId: 'cable-cut' })
  cut.socket.pause() // reads nothing any more, so it sees no ping and sends no pong
  expect(await watcher.next({ type: 'user:left', userId: 'cable-cut' })).toMatchObject({
    roomId: 'cable',
    reason: expect.any(String),
  })
  cut.socket.terminate()
})

it('[A2.2] welcome tells the heartbeat', async () => {
  const client = await guest(server, 'told')
  const welcome = client.received.find((f) => f.type === 'welcome')
  expect(welcome?.heartbeat).toEqual({ pingIntervalMs: PING_INTERVAL_MS, pongTimeoutMs: PONG_TIMEOUT_MS })
})

it('[A2.2] /ws/echo has a heartbeat too', async () => {
  const dead = await openRaw(server.port, '/ws/echo')
  await dead.next(PING)
  await within(dead.ended, 3000, 'terminating a dead client')
})
