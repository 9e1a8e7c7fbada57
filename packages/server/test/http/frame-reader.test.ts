import type { Writable } from 'node:stream'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as ws from 'ws'
import { DeflateNegotiator } from '../../src/adapters/transports/websocket/deflate.ts'
import { type FrameHandler, FrameReader } from '../../src/adapters/transports/websocket/frame-reader.ts'

/** Its types name only what is documented. */
const { Receiver, PerMessageDeflate } = ws as unknown as {
  Receiver: new (options: object) => Writable
  PerMessageDeflate: new (options: object) => { accept(offers: object[]): void }
}

const MAX_PAYLOAD = 300
const plain = { maxPayload: MAX_PAYLOAD, deflater: undefined }
const negotiator = new DeflateNegotiator({ minBytes: 1, onDeflated: () => undefined })
const deflating = { maxPayload: MAX_PAYLOAD, deflater: negotiator.choose('permessage-deflate') }

/** What a reader said of its input. */
class Heard implements FrameHandler {
  readonly events: unknown[] = []
  onText(text: string): void {
    this.events.push(['text', text])
  }
  onBinary(bytes: Buffer): void {
    this.events.push(['binary', bytes.toString('hex')])
  }
  onPing(bytes: Buffer): void {
    this.events.push(['ping', bytes.toString('hex')])
  }
  onPong(): void {
    this.events.push(['pong'])
  }
  onClose(code: number, reason: string): void {
    this.events.push(['close', code, reason])
  }
  onViolation(code: number): void {
    this.events.push(['violation', code])
  }
}

interface Frame {
  readonly first: number
  readonly payload: Buffer
  readonly isMasked: boolean
  readonly mask: number
  /** A longer form of the length than it needs. */
  readonly form: 0 | 126 | 127
}

function encode({ first, payload, isMasked, mask, form }: Frame): Buffer {
  const wanted = payload.length < 126 ? form : form === 127 ? 127 : 126
  const head = Buffer.alloc(wanted === 0 ? 2 : wanted === 126 ? 4 : 10)
  head[0] = first
  head[1] = (isMasked ? 0x80 : 0) | (wanted === 0 ? payload.length : wanted)
  if (wanted === 126) head.writeUInt16BE(payload.length, 2)
  if (wanted === 127) head.writeBigUInt64BE(BigInt(payload.length), 2)
  if (!isMasked) return Buffer.concat([head, payload])
  const key = Buffer.alloc(4)
  key.writeUInt32BE(mask)
  return Buffer.concat([head, key, payload.map((byte, at) => byte ^ (key[at % 4] as number))])
}

/** Cuts bytes at the places that `cuts` names, as a network may. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...at].map((from, index) => Buffer.from(bytes.subarray(from, at[index] ?? bytes.length)))
}

function ours(chunks: readonly Buffer[], form = plain as typeof plain | typeof deflating): unknown[] {
  const heard = new Heard()
  const reader = new FrameReader(form, heard)
  for (const chunk of chunks) if (chunk.length > 0) reader.read(Buffer.from(chunk))
  return heard.events
}

async function reference(chunks: readonly Buffer[], isDeflating = false): Promise<unknown[]> {
  const heard = new Heard()
  const options = { isServer: true, maxPayload: MAX_PAYLOAD, maxFragments: 16_384 }
  const deflate = new PerMessageDeflate({ ...options, serverNoContextTakeover: true, clientNoContextTakeover: true })
  deflate.accept([{}])
  const receiver = new Receiver({ ...options, ...(isDeflating && { extensions: { 'permessage-deflate': deflate } }) })
  receiver.on('message', (data: Buffer, isBinary: boolean) =>
    isBinary ? heard.onBinary(data) : heard.onText(data.toString('utf8')),
  )
  receiver.on('ping', (data: Buffer) => heard.onPing(data))
  receiver.on('pong', () => heard.onPong())
  receiver.on('conclude', (code: number, reason: Buffer) => heard.onClose(code, reason.toString('utf8')))
  const status = (error: object): number => {
    const symbol = Object.getOwnPropertySymbols(error).find((each) => each.description === 'status-code')
    return (error as Record<symbol, number>)[symbol as symbol] as number
  }
  let isOver = false
  receiver.on('error', (error) => {
    isOver = true
    heard.onViolation(status(error))
  })
  receiver.on('conclude', () => {
    isOver = true
  })
  for (const chunk of chunks) {
    if (isOver || chunk.length === 0) continue
    await new Promise<void>((resolve) => {
      receiver.once('error', () => resolve())
      receiver.write(Buffer.from(chunk), () => resolve())
    })
  }
  return heard.events
}

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.string({ maxLength: 200 }))
const payload = fc.oneof(
  text.map((each) => Buffer.from(each)),
  fc.uint8Array({ maxLength: 140 }).map((each) => Buffer.from(each)),
  fc.tuple(fc.integer({ min: 990, max: 5001 }), fc.string({ maxLength: 20 })).map(([code, reason]) => {
    const bytes = Buffer.alloc(2)
    bytes.writeUInt16BE(code)
    return Buffer.concat([bytes, Buffer.from(reason)])
  }),
)
const first = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a) },
  { weight: 1, arbitrary: fc.constantFrom(0x88, 0x09, 0x83, 0xc1, 0x91, 0x8b) },
)
const frame: fc.Arbitrary<Frame> = fc.record({
  first,
  payload,
  isMasked: fc.oneof({ weight: 40, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  mask: fc.oneof(fc.constant(0), fc.nat(0xffff_ffff)),
  form: fc.constantFrom<0 | 126 | 127>(0, 0, 0, 126, 127),
})

/** A message as a client may send it: compressed or not, in fragments, with a ping between them. */
const message = fc
  .record({
    opcode: fc.constantFrom(1, 2),
    payload: fc.oneof(
      { weight: 4, arbitrary: payload },
      { weight: 1, arbitrary: fc.tuple(payload, fc.nat(8)).map(([each, n]) => Buffer.concat(Array(n).fill(each))) },
    ),
    compression: fc.constantFrom('none', 'flush', 'flush', 'final', 'garbage'),
    cuts: fc.array(fc.nat(1_000), { maxLength: 3 }),
    pings: fc.boolean(),
  })
  .map(({ opcode, payload, compression, cuts, pings }) => {
    const isCompressed = compression !== 'none'
    const bytes =
      compression === 'flush'
        ? deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
        : compression === 'final'
          ? Buffer.concat([deflateRawSync(payload), Buffer.of(0)])
          : payload
    // The other implementation decompresses each fragment when it comes, so it refuses earlier than at the end.
    const parts = compression === 'flush' || compression === 'none' ? pieces(bytes, cuts) : [bytes]
    return parts.flatMap((part, index): Frame[] => {
      const fin = index === parts.length - 1 ? 0x80 : 0
      const isFirst = index === 0
      const first = fin | (isFirst ? opcode | (isCompressed ? 0x40 : 0) : 0)
      const one: Frame = { first, payload: part, isMasked: true, mask: 0x7a_5b_3c_1d, form: 0 }
      const isRefused = payload.length > MAX_PAYLOAD || bytes.length > MAX_PAYLOAD
      return pings && fin === 0 && !isRefused ? [one, { ...one, first: 0x89, payload: Buffer.from('p') }] : [one]
    })
  })

/** The other reads each fragment when it comes, so of a message that is too long and broken it may see the other reason. */
function refusal(event: unknown): unknown {
  const [kind, code] = event as [string, number]
  return kind === 'violation' && (code === 1007 || code === 1009) ? [kind, '1007 or 1009'] : event
}

/** More follows behind a final block. Ours is refused, and what follows is not lost in silence, as it is by the other. */
function goesOnBehindItsEnd({ first, payload }: Frame): boolean {
  if ((first & 0x40) === 0) return false
  try {
    const bytes = Buffer.concat([payload, Buffer.of(0, 0, 0xff, 0xff)])
    const options = { finishFlush: constants.Z_SYNC_FLUSH, info: true }
    const { engine } = inflateRawSync(bytes, options) as unknown as { engine: { bytesWritten: number } }
    return engine.bytesWritten < payload.length - 1
  } catch {
    return false // refused by both
  }
}

describe('the frames of a client', () => {
  it('[R8] [D6] are read as another implementation reads them where some are compressed', async () => {
    const input = fc.tuple(
      fc.array(fc.oneof({ weight: 8, arbitrary: message }, { weight: 1, arbitrary: frame.map((each) => [each]) }), {
        maxLength: 8,
      }),
      fc.array(fc.nat(5_000), { maxLength: 8 }),
    )
    await fc.assert(
      fc.asyncProperty(input, async ([messages, cuts]) => {
        fc.pre(!messages.flat().some(goesOnBehindItsEnd))
        const chunks = pieces(Buffer.concat(messages.flat().map(encode)), cuts)
        expect(ours(chunks, deflating).map(refusal)).toEqual((await reference(chunks, true)).map(refusal))
      }),
      { numRuns: 1_000 },
    )
  })

  it('[R8] [W16] are refused with 1002 when they are compressed where they may not be', () => {
    const one = (first: number): Buffer => encode({ first, payload: Buffer.of(0), isMasked: true, mask: 1, form: 0 })
    expect(ours([one(0xc1)])).toEqual([['violation', 1002]])
    expect(ours([one(0xc1), one(0xd1)], deflating)).toEqual([
      ['text', ''],
      ['violation', 1002],
    ])
    expect(ours([one(0x41), one(0xc0)], deflating)).toEqual([['violation', 1002]])
    for (const control of [0xc8, 0xc9, 0xca]) expect(ours([one(control)], deflating)).toEqual([['violation', 1002]])
  })

  it('[R8] are read as another implementation reads them, however they are cut', async () => {
    const input = fc.tuple(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(5_000), { maxLength: 8 }))
    await fc.assert(
      fc.asyncProperty(input, async ([frames, cuts]) => {
        const bytes = Buffer.concat(frames.map(encode))
        const chunks = pieces(bytes, cuts)
        expect(ours(chunks)).toEqual(await reference(chunks))
      }),
      { numRuns: 3_000 },
    )
  })

  it('[R8] are read alike when each byte comes alone', () => {
    const long = 'é'.repeat(140)
    const frames: Frame[] = [
      { first: 0x81, payload: Buffer.from('hello'), isMasked: true, mask: 0x01020304, form: 0 },
      { first: 0x01, payload: Buffer.from(long).subarray(0, 101), isMasked: true, mask: 0xfffefdfc, form: 126 },
      { first: 0x89, payload: Buffer.from('p'), isMasked: true, mask: 7, form: 0 },
      { first: 0x80, payload: Buffer.from(long).subarray(101), isMasked: true, mask: 9, form: 127 },
      { first: 0x88, payload: Buffer.from([3, 232, 98]), isMasked: true, mask: 9, form: 0 },
    ]
    const bytes = Buffer.concat(frames.map(encode))
    const events = ours(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))
    expect(events).toEqual([
      ['text', 'hello'],
      ['ping', '70'],
      ['text', long],
      ['close', 1000, 'b'],
    ])
  })

  it('[R4] a message in more than 16,384 fragments is refused with 1008, and lengths of 2^63 with 1009', () => {
    const fragment = encode({ first: 0x00, payload: Buffer.alloc(0), isMasked: true, mask: 1, form: 0 })
    const opening = encode({ first: 0x01, payload: Buffer.alloc(0), isMasked: true, mask: 1, form: 0 })
    const many = [opening, ...Array.from({ length: 16_384 }, () => fragment)]
    expect(ours(many)).toEqual([['violation', 1008]])
    expect(ours([Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0])])).toEqual([['violation', 1009]])
  })

  it('[R4] nothing is read after a violation', () => {
    const good = encode({ first: 0x81, payload: Buffer.from('x'), isMasked: true, mask: 1, form: 0 })
    const bad = encode({ first: 0x81, payload: Buffer.from('y'), isMasked: false, mask: 1, form: 0 })
    expect(ours([good, bad, good])).toEqual([
      ['text', 'x'],
      ['violation', 1002],
    ])
  })
})
