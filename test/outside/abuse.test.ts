/** Clients that break the protocol on purpose: each is closed with the right code, nobody else notices. R4, A3.3. */
import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { type Client, user } from './lib/client.ts'
import { BINARY, CLOSE, closePayload, frame, openRaw, PING, PONG, RawClient, TEXT } from './lib/raw.ts'
import { SMALL_HEAP, UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'
import { until, within } from './lib/wait.ts'

const deflate = promisify(deflateRaw)

const server = useServer({
  nodeArgs: SMALL_HEAP,
  env: { ...UNLIMITED, ROOMFUL_DEFLATE: 'on', ROOMFUL_PING_INTERVAL_MS: '500', ROOMFUL_PONG_TIMEOUT_MS: '500' },
})
let bystander: Client
beforeAll(async () => {
  bystander = await user(server, 'bystander')
  await bystander.ok('room:join', { roomId: 'calm' })
})
afterEach(async () => {
  await bystander.ok('chat:message', { roomId: 'calm', content: 'still here' })
  await bystander.next({ content: 'still here' })
})

const length64 = (opcode: number, length: bigint): Buffer => {
  const head = Buffer.alloc(14)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | 127
  head.writeBigUInt64BE(length, 2)
  return head
}

const ABUSES: [what: string, bytes: Buffer, codes: number[]][] = [
  ['an unmasked frame', frame(TEXT, '{"type":"ping"}', { mask: false }), [1002]],
  ['reserved bit 2', frame(TEXT, 'x', { rsv: 2 }), [1002]],
  ['reserved bit 3', frame(TEXT, 'x', { rsv: 1 }), [1002]],
  ['a reserved opcode', frame(3, 'x'), [1002]],
  ['a reserved control opcode', frame(11, ''), [1002]],
  ['a fragmented ping', frame(PING, 'x', { fin: false }), [1002]],
  ['a fragmented close', frame(CLOSE, closePayload(1000), { fin: false }), [1002]],
  ['a ping of 126 bytes', frame(PING, Buffer.alloc(126)), [1002]],
  ['a continuation of nothing', frame(0, 'x'), [1002]],
  ['a text inside a fragmented text', Buffer.concat([frame(TEXT, 'a', { fin: false }), frame(TEXT, 'b')]), [1002]],
  ['a length of 2^63', length64(TEXT, 1n << 63n), [1002, 1009]],
  ['a length of 2^64 - 1', length64(BINARY, (1n << 64n) - 1n), [1002, 1009]],
  ['a length of 2^53', length64(TEXT, 1n << 53n), [1002, 1009]],
  ['a length of 2^31', length64(BINARY, 1n << 31n), [1009]],
  ['a close of one byte', frame(CLOSE, Buffer.from([3])), [1002]],
  ['a close with code 0', frame(CLOSE, closePayload(0)), [1002]],
  ['a close with code 999', frame(CLOSE, closePayload(999)), [1002]],
  ['a close with code 1005', frame(CLOSE, closePayload(1005)), [1002]],
  ['a close with code 1006', frame(CLOSE, closePayload(1006)), [1002]],
  ['a close with code 5000', frame(CLOSE, closePayload(5000)), [1002]],
  ['a close with a reason that is no UTF-8', frame(CLOSE, closePayload(1000, Buffer.from([0xff]))), [1007]],
  ['a text that is no UTF-8', frame(TEXT, Buffer.from([0xc3, 0x28])), [1007]],
  [
    'UTF-8 broken over fragments',
    Buffer.concat([frame(TEXT, Buffer.from([0xe2, 0x82]), { fin: false }), frame(0, Buffer.from([0x28]))]),
    [1007],
  ],
  ['a deflate bit without deflate', frame(TEXT, 'x', { rsv: 4 }), [1002]],
  ['plain HTTP on an open socket', Buffer.from('GET / HTTP/1.1\r\n\r\n'), [1002]],
]

it.each(ABUSES)('[R4] [A3.3] [C16] %s is closed with its code', async (_what, bytes, codes) => {
  for (const path of ['/ws/public', '/ws/echo']) {
    const raw = await openRaw(server.port, path)
    raw.write(bytes)
    const code = await raw.closeCode()
    expect(codes, path).toContain(code)
    raw.destroy()
  }
})

it('[R4] [A3.3] half a frame, then silence, ends with the heartbeat', async () => {
  const raw = await openRaw(server.port, '/ws/public')
  raw.write(frame(TEXT, 'x'.repeat(1000)).subarray(0, 500))
  await within(raw.ended, 5000, 'giving up on half a frame')
})

it('[R4] [A3.3] a frame written byte by byte is a frame', async () => {
  const raw = await openRaw(server.port, '/ws/public')
  for (const byte of frame(TEXT, '{"type":"ping"}')) raw.write(Buffer.from([byte]))
  await raw.nextJson('pong')
  raw.destroy()
})

it('[R4] [A3.3] 10,000 empty fragments are one message, or too many', async () => {
  const raw = await openRaw(server.port, '/ws/echo')
  raw.write(frame(TEXT, '', { fin: false }))
  const piece = frame(0, '', { fin: false })
  raw.write(Buffer.concat(Array.from({ length: 10_000 }, () => piece)))
  raw.write(frame(0, 'end'))
  const outcome = await Promise.race([
    raw.next(TEXT).then(
      () => 'message',
      () => 'closed',
    ),
    raw.closeCode().then(() => 'closed'),
  ])
  expect(['message', 'closed']).toContain(outcome)
  raw.destroy()
})

it('[R4] [A3.3] a reset in the middle of everything crashes nothing', async () => {
  for (let i = 0; i < 50; i++) {
    const raw = await openRaw(server.port, '/ws/public')
    raw.sendText({ type: 'join', room: `reset-${i % 3}` })
    raw.sendText({ type: 'message', text: 'and gone' })
    raw.write(frame(TEXT, 'half').subarray(0, 3))
    raw.socket.resetAndDestroy()
  }
  await until(async () => (await server.clients()) === 1, { what: 'all reset clients gone' })
})

it('[R4] [A3.3] writes after the close frame are ignored', async () => {
  const raw = await openRaw(server.port, '/ws/public')
  raw.write(Buffer.concat([frame(CLOSE, closePayload(1000)), frame(TEXT, '{"type":"join","room":"after-end"}')]))
  expect(await raw.closeCode()).toBe(1000)
  const rooms = (await bystander.ok('room:list')).rooms as { roomId: string }[]
  expect(rooms.map((room) => room.roomId)).not.toContain('after-end')
})

it('[R4] [C16] 200,000 pings that nobody reads the pongs of cost no memory', { timeout: 60_000 }, async () => {
  const many = Buffer.concat(Array.from({ length: 1000 }, () => frame(PING, Buffer.alloc(100))))
  const flood = async (): Promise<number> => {
    const raw = await openRaw(server.port, '/ws/public')
    raw.socket.pause()
    let peak = server.rssBytes
    for (let i = 0; i < 200 && !raw.socket.destroyed; i++) {
      raw.write(many)
      await bystander.settled()
      peak = Math.max(peak, server.rssBytes)
    }
    raw.destroy()
    return peak
  }
  // The first one also makes the process what it is under load: compiled code, buffers of the socket, a grown heap.
  const once = await flood()
  expect((await flood()) - once).toBeLessThan(24 * 1024 * 1024)
})

it('[A2.2] pings of a client are answered with the same bytes', async () => {
  const raw = await openRaw(server.port, '/ws/public')
  raw.write(frame(PING, 'are you there'))
  expect((await raw.next(PONG)).payload.toString()).toBe('are you there')
  raw.destroy()
})

it('[R4] [C16] a deflate bomb is 1009, and costs no memory', async () => {
  const before = server.rssBytes
  const raw = new RawClient(server.port)
  expect(await raw.handshake('/ws/echo', { 'Sec-WebSocket-Extensions': 'permessage-deflate' })).toBe(101)
  const bomb = (await deflate(Buffer.alloc(100 * 1024 * 1024))).subarray(0, -1)
  expect(raw.head).toMatch(/permessage-deflate/i)
  for (let sent = 0; sent < bomb.length; sent += 60_000) {
    const last = sent + 60_000 >= bomb.length
    raw.write(
      frame(sent === 0 ? BINARY : 0, bomb.subarray(sent, sent + 60_000), { fin: last, rsv: sent === 0 ? 4 : 0 }),
    )
  }
  expect([1009, 1006]).toContain(await raw.closeCode())
  expect(server.rssBytes - before).toBeLessThan(64 * 1024 * 1024)
  raw.destroy()
})
