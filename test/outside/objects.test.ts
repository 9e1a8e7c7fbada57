/** What an idle connection consists of, counted: times are noisy, counts are not. C22, P5. */
import { io, type Socket } from 'socket.io-client'
import { expect, it, onTestFinished, vi } from 'vitest'
import { BareClient } from '../../bench/lib/bare-client.ts'
import { ServerProcess } from '../../bench/lib/server-process.ts'

const CLIENTS = 100
const ROOMS = 10

type Close = () => void

function openPlain(port: number, i: number): Promise<Close> {
  return new Promise((resolve, reject) => {
    const client = BareClient.open(port, '/ws/bench', '"ack"', (found) => {
      if (found > 0) void client.then((each) => resolve(() => each.cut()))
    })
    client.then((each) => each.send({ type: 'room:join', roomId: `room-${i % ROOMS}`, id: 1 }), reject)
  })
}

function openSocketIo(port: number, i: number): Promise<Close> {
  const socket: Socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true })
  return new Promise((resolve, reject) => {
    socket.once('connect_error', reject)
    socket.emit('room:join', { roomId: `room-${i % ROOMS}` }, () => resolve(() => void socket.close()))
  })
}

it.each([
  // Node's own socket has some five arrays and two functions. The sets are slots of the timer wheel, of which there are few.
  ['plain', openPlain, { maps: 0.5, sets: 1.2, arrays: 9, functions: 4, all: 46 }],
  // Quiet it is some 40; on a busy machine up to 56 were seen.
  ['Socket.IO', openSocketIo, { maps: 0.5, sets: 1.2, arrays: 10, functions: 5, all: 62 }],
] as const)('[C22] [P5] a %s connection has few objects of its own', async (_, open, most) => {
  const server = await ServerProcess.start('server.ts')
  onTestFinished(() => server.stop())
  const clients: Close[] = []
  onTestFinished(() => {
    for (const close of clients) close()
  })
  const openSome = async (): Promise<void> => {
    clients.push(...(await Promise.all(Array.from({ length: CLIENTS }, (_unused, i) => open(server.port, i)))))
  }
  await openSome() // what is made once is made then
  const before = await server.objects()
  await openSome()
  const kinds = Object.keys(most) as (keyof typeof most)[]
  const countEach = async (): Promise<void> => {
    const after = await server.objects()
    const each = Object.fromEntries(kinds.map((kind) => [kind, (after[kind] - before[kind]) / CLIENTS]))
    for (const kind of kinds) expect(each[kind], `${kind}: ${JSON.stringify(each)}`).toBeLessThan(most[kind])
  }
  // On a busy machine Node still holds what the last handshakes were read with.
  await vi.waitFor(countEach, { timeout: 20_000, interval: 500 })
})
