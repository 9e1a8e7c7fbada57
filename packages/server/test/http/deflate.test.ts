import { inflateRawSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { DeflateNegotiator, inflate } from '../../src/adapters/transports/websocket/deflate.ts'
import { readDeflateOffer } from '../../src/adapters/transports/websocket/deflate-offer.ts'
import { binaryFrame, frameHead, PING, RSV1, TEXT, textFrame } from '../../src/adapters/transports/websocket/frames.ts'

const FLUSH = Buffer.from([0, 0, 0xff, 0xff])
const long = (n: number): string => Array.from({ length: n }, (_, i) => `the ${i % 7}. of many words`).join(', ')

/** What a client reads: one message from the buffers of one frame. */
function read(frame: Uint8Array): { isDeflated: boolean; text: string } {
  const short = frame[1] as number
  const payload = frame.subarray(short < 126 ? 2 : short === 126 ? 4 : 10)
  const isDeflated = ((frame[0] as number) & RSV1) !== 0
  const bytes = isDeflated ? inflateRawSync(Buffer.concat([payload, FLUSH]), { finishFlush: 2 }) : payload
  return { isDeflated, text: Buffer.from(bytes).toString() }
}

function deflaterFor(offer: string, minBytes = 100) {
  const onDeflated = vi.fn()
  const deflater = new DeflateNegotiator({ minBytes, onDeflated }).choose(offer)
  if (!deflater) throw new Error('The offer was declined')
  return { deflater, onDeflated }
}

describe('an offer of permessage-deflate', () => {
  it.each([
    ['permessage-deflate', undefined],
    ['permessage-deflate; client_max_window_bits', undefined],
    ['x-webkit-deflate-frame, permessage-deflate; client_max_window_bits="12"', undefined],
    ['permessage-deflate ; server_max_window_bits = 10 ; client_no_context_takeover', 10],
    ['permessage-deflate; server_max_window_bits=8, permessage-deflate; server_no_context_takeover', undefined],
    ['permessage-deflate; server_max_window_bits=15', 15],
  ])('%s is accepted', (header, windowBits) => {
    expect(readDeflateOffer(header)).toEqual({ windowBits })
  })

  it.each([
    'permessage-bzip2',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; server_max_window_bits=8',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_max_window_bits=010',
    'permessage-deflate; client_max_window_bits=7',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; client_max_window_bits; client_max_window_bits',
    'permessage-deflate; unheard_of',
    'permessage-deflate; client_max_window_bits="',
    'permessage-deflate;',
    '',
  ])('%s is declined', (header) => {
    expect(readDeflateOffer(header)).toBeUndefined()
  })

  it('is answered without a memory of earlier messages, and with a limit only where one was asked for', () => {
    expect(deflaterFor('permessage-deflate; client_max_window_bits').deflater.answer).toBe(
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    )
    expect(deflaterFor('permessage-deflate; server_max_window_bits=12').deflater.answer).toBe(
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12',
    )
  })
})

describe('[W16] [D6] frames for clients that read compressed ones', () => {
  it('are compressed once for all clients', () => {
    const { deflater, onDeflated } = deflaterFor('permessage-deflate')
    const event = textFrame(long(50))
    const other = textFrame(long(60))
    const [mine] = deflater.pack([event])
    const [, same] = deflater.pack([other, event])
    expect(same).toBe(mine)
    expect(deflater.pack([other, event])).toBe(deflater.pack([other, event]))
    expect(onDeflated).toHaveBeenCalledTimes(2)
    expect(read(mine as Uint8Array)).toEqual({ isDeflated: true, text: long(50) })
    expect((mine as Uint8Array).byteLength).toBeLessThan(event.byteLength / 4)
  })

  it('do not end in a final block, which some clients take for the end of everything', () => {
    const { deflater } = deflaterFor('permessage-deflate')
    for (const text of [long(10), long(3_000), 'x'.repeat(70_000)]) {
      const [frame] = deflater.pack([textFrame(text)]) as [Uint8Array]
      const payload = frame.subarray((frame[1] as number) < 126 ? 2 : 4)
      // Two messages in one stream: what follows a final block would not be read.
      const twice = Buffer.concat([payload, FLUSH, payload, FLUSH])
      expect(inflateRawSync(twice, { finishFlush: 2 }).toString()).toBe(text + text)
    }
  })

  it('stay as they are when they are short, do not shrink, or are no messages', () => {
    const { deflater } = deflaterFor('permessage-deflate')
    const random = Uint8Array.from({ length: 300 }, (_, i) => (i * 197 + ((i * i) >> 3) * 61) & 0xff)
    const frames = [textFrame('short'), binaryFrame(random), binaryFrame(new Uint8Array(125), PING)]
    expect(deflater.pack(frames)).toEqual(frames)
  })

  it('are found where several share a buffer, as those of Socket.IO with attachments', () => {
    const { deflater } = deflaterFor('permessage-deflate')
    const [packed] = deflater.pack([
      Buffer.concat([textFrame(long(20)), textFrame('short'), binaryFrame(Buffer.from(long(30)))]),
    ]) as [Uint8Array]
    const first = 4 + Buffer.from(packed).readUInt16BE(2)
    const head = (packed[1] as number) < 126 ? 2 + (packed[1] as number) : first
    expect(read(packed.subarray(0, head))).toEqual({ isDeflated: true, text: long(20) })
    expect(read(packed.subarray(head, head + 7))).toEqual({ isDeflated: false, text: 'short' })
    expect(read(packed.subarray(head + 7)).text).toBe(long(30))
  })

  it('have their shared part compressed once, where an answer has one', () => {
    const { deflater } = deflaterFor('permessage-deflate')
    const shared = Buffer.from(long(200))
    const answer = (before: string, after: string): Uint8Array[] => {
      const own = Buffer.from(before)
      const head = frameHead(TEXT, own.length + shared.length + after.length)
      return [Buffer.concat([head, own]), shared, Buffer.from(after)]
    }
    const one = deflater.pack(answer('{"id":1,"events":', '}'))
    const two = deflater.pack([textFrame('ping'), ...answer(`{"note":"${long(20)}","events":`, '}'), textFrame('pong')])
    const three = deflater.pack(answer('{"events":', ''))
    expect(read(Buffer.concat(one)).text).toBe(`{"id":1,"events":${long(200)}}`)
    expect(read(Buffer.concat(two.slice(1, -1))).text).toBe(`{"note":"${long(20)}","events":${long(200)}}`)
    expect(read(Buffer.concat(three)).text).toBe(`{"events":${long(200)}`)
    expect(one.filter((part) => two.includes(part))).toHaveLength(1)
  })

  it('refer back no further than the window that the client asked for', () => {
    const full = deflaterFor('permessage-deflate').deflater
    const negotiator = new DeflateNegotiator({ minBytes: 100, onDeflated: () => undefined })
    const limited = negotiator.choose('permessage-deflate; server_max_window_bits=9')
    const far = `${'a rare beginning '.repeat(8)}${Array.from({ length: 900 }, (_, i) => i.toString(36)).join(' ')}${'a rare beginning '.repeat(8)}`
    if (!limited) throw new Error('The offer was declined')
    const [frame] = limited.pack([textFrame(far)]) as [Uint8Array]
    const bytes = Buffer.concat([frame.subarray(4), FLUSH])
    expect(inflateRawSync(bytes, { finishFlush: 2, windowBits: 9 }).toString()).toBe(far)
    const [wide] = full.pack([textFrame(far)]) as [Uint8Array]
    expect(wide.byteLength).toBeLessThan(frame.byteLength)
    // What is shorter than the window is the same for everyone.
    const short = textFrame('hello '.repeat(60))
    expect(negotiator.choose('permessage-deflate')?.pack([short])[0]).toBe(limited.pack([short])[0])
  })
})

describe('a compressed message of a client', () => {
  const { deflater } = deflaterFor('permessage-deflate', 1)
  const compressed = (text: string): Buffer => {
    const [frame] = deflater.pack([textFrame(text)]) as [Uint8Array]
    return Buffer.from(frame.subarray((frame[1] as number) < 126 ? 2 : 4))
  }

  it('is read up to the limit, and refused with 1009 above it', () => {
    const bytes = compressed('x'.repeat(10_000))
    expect(String(inflate(bytes, 10_000))).toBe('x'.repeat(10_000))
    expect(inflate(bytes, 9_999)).toBe(1009)
    expect(inflate(bytes, 0)).toBe(1009)
  })

  it('[R4] that unfolds into a thousand times its size costs no more than the limit', () => {
    const bomb = compressed('\0'.repeat(20_000_000))
    const before = process.memoryUsage().external
    expect(inflate(bomb, 100_000)).toBe(1009)
    expect(process.memoryUsage().external - before).toBeLessThan(1_000_000)
  })

  it('is refused with 1007 when it is none, or has more behind its end', () => {
    expect(inflate(Buffer.from('nothing compressed'), 1_000)).toBe(1007)
    const ended = Buffer.from([0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]) // "Hello" in a final block: RFC 7692 section 7.2.3.4
    expect(String(inflate(ended, 100))).toBe('Hello')
    expect(String(inflate(Buffer.concat([ended, Buffer.of(0)]), 100))).toBe('Hello')
    expect(inflate(Buffer.concat([ended, compressed('more')]), 100)).toBe(1007)
    expect(String(inflate(Buffer.of(0), 100))).toBe('')
  })
})
