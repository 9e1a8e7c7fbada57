/**
 * Compressed messages on the echo endpoint, as in parts 12 and 13 of the public suite: five kinds of content, seven kinds of
 * offers, and for each of them sizes up to 128 KiB, whole and in fragments. RFC 7692. R8.
 */
import { createHash } from 'node:crypto'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { createRoomful, type Roomful } from '@roomful/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BINARY, frame, openRaw, type RawClient, TEXT } from '../lib/raw.ts'

let roomful: Roomful
let port: number
beforeAll(async () => {
  const settings = {
    data: ':memory:',
    maxMessageBytes: 1024 ** 2,
    ratePerSecond: 0,
    deflate: true,
    deflateMinBytes: 32,
  }
  roomful = createRoomful({ ...settings, echo: { '/ws/echo': '' } })
  port = (await roomful.listen({ port: 0 })).port
})
afterAll(() => roomful.close())

const FLUSH = Buffer.from([0, 0, 0xff, 0xff])
const RSV1 = 4
/** More of one size would say nothing more: no message depends on another. */
const ROUNDS = 3

interface Content {
  readonly opcode: typeof TEXT | typeof BINARY
  make(size: number): Buffer
}

const repeated = (text: string) => (size: number) =>
  Buffer.from(text.repeat(Math.ceil(size / text.length) + 1).slice(0, size))
const random = (size: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(size / 32) }, (_, i) => createHash('sha256').update(`${size}-${i}`).digest()),
  ).subarray(0, size)

const contents: Record<string, Content> = {
  'JSON as text': {
    opcode: TEXT,
    make: (size) => repeated(JSON.stringify({ id: 'r-1', seq: 1, user: { name: 'Ann', tags: [1, 2, 3] } }))(size),
  },
  'text in an alphabet of two bytes a letter': {
    opcode: TEXT,
    make: (size) => Buffer.from('привет, мир; '.repeat(size).slice(0, Math.floor(size / 2))),
  },
  'one byte again and again': { opcode: BINARY, make: (size) => Buffer.alloc(size, 0xfe) },
  'bytes without any pattern': { opcode: BINARY, make: random },
  'HTML as bytes': { opcode: BINARY, make: repeated('<li class="entry"><a href="/r/42">Room 42</a></li>\n') },
}

interface Offer {
  readonly header: string
  /** Of what the client sends, and of what it can read. */
  readonly clientBits: number
  readonly serverBits: number
}

const NAME = 'permessage-deflate'
const offers: Record<string, Offer> = {
  'no parameters': { header: NAME, clientBits: 15, serverBits: 15 },
  'no memory of the server': { header: `${NAME}; server_no_context_takeover`, clientBits: 15, serverBits: 15 },
  'a window of the server of 9 bits': { header: `${NAME}; server_max_window_bits=9`, clientBits: 15, serverBits: 9 },
  'a window of the server of 15 bits': { header: `${NAME}; server_max_window_bits=15`, clientBits: 15, serverBits: 15 },
  'no memory and 9 bits, both ways': {
    header: `${NAME}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9`,
    clientBits: 9,
    serverBits: 9,
  },
  'no memory and 15 bits, both ways': {
    header: `${NAME}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; client_max_window_bits=15`,
    clientBits: 15,
    serverBits: 15,
  },
  'several, of which the first cannot be accepted': {
    header: `${NAME}; server_max_window_bits=8, ${NAME}; unheard_of, ${NAME}; client_max_window_bits`,
    clientBits: 15,
    serverBits: 15,
  },
}

const WHOLE = [16, 64, 256, 1_024, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072]
/** Bytes of a message, and of the fragments that it is sent in. */
const FRAGMENTED: readonly (readonly [size: number, fragment: number])[] = [8_192, 131_072].flatMap((size) =>
  [256, 1_024, 4_096, 32_768].map((fragment) => [size, fragment] as const),
)

async function echoes(client: RawClient, { opcode, make }: Content, offer: Offer, size: number, fragment: number) {
  const payload = make(size)
  const flush = { finishFlush: constants.Z_SYNC_FLUSH }
  const compressed = deflateRawSync(payload, { windowBits: offer.clientBits, ...flush }).subarray(0, -FLUSH.length)
  const sent: Buffer[] = []
  for (let at = 0; at < compressed.length; at += fragment) {
    const isFirst = at === 0
    const options = { fin: at + fragment >= compressed.length, rsv: isFirst ? RSV1 : 0 }
    sent.push(frame(isFirst ? opcode : 0, compressed.subarray(at, at + fragment), options))
  }
  for (let round = 0; round < ROUNDS; round++) client.write(Buffer.concat(sent))
  for (let round = 0; round < ROUNDS; round++) {
    const { rsv, payload: echo } = await client.next(opcode)
    const read =
      rsv === RSV1 ? inflateRawSync(Buffer.concat([echo, FLUSH]), { windowBits: offer.serverBits, ...flush }) : echo
    expect(read.equals(payload), `${size} bytes in fragments of ${fragment}`).toBe(true)
    expect([0, RSV1]).toContain(rsv)
    if (make !== random && size > 256) expect(rsv).toBe(RSV1)
  }
}

async function play(content: Content, offer: Offer): Promise<void> {
  const client = await openRaw(port, '/ws/echo', { 'Sec-WebSocket-Extensions': offer.header })
  expect(client.head).toMatch(/sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_/i)
  for (const size of WHOLE) await echoes(client, content, offer, size, Number.POSITIVE_INFINITY)
  for (const [size, fragment] of FRAGMENTED) await echoes(client, content, offer, size, fragment)
  client.destroy()
}

describe('[R8] [D6] [W16] compressed messages come back', () => {
  const plain = offers['no parameters'] as Offer
  it.each(Object.entries(contents))('with %s, of eighteen sizes', (_, content) => play(content, plain))

  const text = contents['JSON as text'] as Content
  it.each(Object.entries(offers))('to a client that offers %s, of eighteen sizes', (_, offer) => play(text, offer))

  it('are as many cases as the public suite has', () => {
    const sizes = WHOLE.length + FRAGMENTED.length
    expect((Object.keys(contents).length + Object.keys(offers).length) * sizes).toBe(216)
  })

  it('not from a client that offers nothing acceptable, which is not refused either', async () => {
    for (const header of [`${NAME}; server_max_window_bits=8`, 'permessage-bzip2', `${NAME}; ;`]) {
      const client = await openRaw(port, '/ws/echo', { 'Sec-WebSocket-Extensions': header })
      expect(client.head).not.toMatch(/sec-websocket-extensions/i)
      client.sendText('x'.repeat(1_000))
      expect(await client.next(TEXT)).toMatchObject({ rsv: 0 })
      client.write(frame(TEXT, Buffer.of(0), { rsv: RSV1 }))
      expect(await client.closeCode()).toBe(1002)
    }
  })

  it('closes with 1007 what is no compressed data, and with 1009 what becomes too large', async () => {
    for (const [payload, code] of [
      [Buffer.from('no compressed data'), 1007],
      [deflateRawSync(Buffer.from([0xff, 0xfe]), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4), 1007],
      [deflateRawSync(Buffer.alloc(30 * 1024 ** 2)), 1009],
    ] as const) {
      const client = await openRaw(port, '/ws/echo', { 'Sec-WebSocket-Extensions': NAME })
      client.write(frame(TEXT, payload, { rsv: RSV1 }))
      expect(await client.closeCode()).toBe(code)
    }
  })
})
