/** Cases about frames: sizes, pings, reserved bits and opcodes, fragments. RFC 6455 sections 5.2 to 5.6. */
import { BINARY, frame, PING, PONG, TEXT } from '../lib/raw.ts'
import { binary, type ConformanceCase, echoed, fragments, goodbye, ping, pong, refused, text } from './case.ts'

const SIZES = [0, 125, 126, 127, 128, 65_535, 65_536]
const OCTETS = 1
const CHOPPED = 997

const sizes: ConformanceCase[] = SIZES.flatMap((size) => {
  const payload = Buffer.alloc(size, '*')
  return [
    echoed(`text of ${size} bytes`, [frame(TEXT, payload)], [text(payload)]),
    echoed(`binary of ${size} bytes`, [frame(BINARY, payload)], [binary(payload)]),
  ]
})
const large = Buffer.alloc(65_536, '*')
const chopped: ConformanceCase[] = [
  echoed('text of 65,536 bytes in pieces', [frame(TEXT, large)], [text(large)], CHOPPED),
  echoed('binary of 65,536 bytes in pieces', [frame(BINARY, large)], [binary(large)], CHOPPED),
]

const full = Buffer.alloc(125, 0xfe)
const TEN = Array.from({ length: 10 }, (_, index) => `payload-${index}`)
const pings: ConformanceCase[] = [
  echoed('a ping without a payload', [ping()], [pong()]),
  echoed('a ping with text', [ping('Hello, world!')], [pong('Hello, world!')]),
  echoed(
    'a ping with bytes that are no text',
    [ping(Buffer.from([0, 255, 254, 253, 0]))],
    [pong(Buffer.from([0, 255, 254, 253, 0]))],
  ),
  echoed('a ping of 125 bytes', [ping(full)], [pong(full)]),
  refused('a ping of 126 bytes', [ping(Buffer.alloc(126))]),
  echoed('a ping of 125 bytes, octet by octet', [ping(full)], [pong(full)], OCTETS),
  echoed('a pong that nobody asked for', [frame(PONG)], []),
  echoed('a pong with a payload that nobody asked for', [frame(PONG, 'unasked')], []),
  echoed('a pong that nobody asked for, then a ping', [frame(PONG, 'unasked'), ping('asked')], [pong('asked')]),
  echoed('ten pings', TEN.map(ping), TEN.map(pong)),
  echoed('ten pings, octet by octet', TEN.map(ping), TEN.map(pong), OCTETS),
]

const reserved: ConformanceCase[] = [
  refused('reserved bit 3', [frame(TEXT, 'x', { rsv: 1 })]),
  refused(
    'reserved bit 2, after a good message',
    [frame(TEXT, 'a'), frame(TEXT, 'x', { rsv: 2 }), ping()],
    [1002],
    [text('a')],
  ),
  refused(
    'reserved bits 2 and 3, in one write',
    [frame(TEXT, 'a'), frame(TEXT, 'x', { rsv: 3 }), ping()],
    [1002],
    [text('a')],
    CHOPPED,
  ),
  refused(
    'reserved bit 1 without an extension, octet by octet',
    [frame(TEXT, 'a'), frame(TEXT, 'x', { rsv: 4 })],
    [1002],
    [text('a')],
    OCTETS,
  ),
  refused('reserved bits 1 and 3 of a binary frame', [frame(BINARY, 'x', { rsv: 5 })]),
  refused('reserved bits 1 and 2 of a ping', [frame(PING, 'x', { rsv: 6 })]),
  refused('all reserved bits of a close', [frame(8, '', { rsv: 7 })]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) =>
    refused(`opcode ${opcode}`, [frame(TEXT, 'a'), frame(opcode, 'x'), ping()], [1002], [text('a')]),
  ),
]

const PARTS = ['fragment1', 'fragment2']
const WHOLE = PARTS.join('')
const FIVE = ['one', 'two', 'three', 'four', 'five']
const stray = (fin: boolean): Buffer => frame(0, 'of nothing', { fin })
const fragmented: ConformanceCase[] = [
  refused('a ping in fragments', fragments(PING, PARTS)),
  refused('a pong in fragments', fragments(PONG, PARTS)),
  ...[undefined, CHOPPED, OCTETS].flatMap((chop) => {
    const how = chop === undefined ? '' : `, ${chop} bytes at a time`
    return [
      echoed(`a text in two fragments${how}`, fragments(TEXT, PARTS), [text(WHOLE)], chop),
      echoed(
        `a text in two fragments with a ping between${how}`,
        fragments(TEXT, PARTS, ping('now')),
        [pong('now'), text(WHOLE)],
        chop,
      ),
      refused(`a final continuation of nothing${how}`, [stray(true), frame(TEXT, 'x')], [1002], [], chop),
      refused(`a continuation of nothing that goes on${how}`, [stray(false), frame(TEXT, 'x')], [1002], [], chop),
    ]
  }),
  refused(
    'a continuation after the last one',
    [...fragments(TEXT, PARTS), stray(false), frame(TEXT, 'x')],
    [1002],
    [text(WHOLE)],
  ),
  refused(
    'a final continuation after the last one',
    [...fragments(TEXT, PARTS), stray(true), frame(TEXT, 'x')],
    [1002],
    [text(WHOLE)],
  ),
  refused('continuations of nothing, again and again', [stray(false), stray(false), stray(true)]),
  refused('a text in the middle of one', [frame(TEXT, 'a', { fin: false }), frame(TEXT, 'b')]),
  refused('a binary in the middle of a text', [frame(TEXT, 'a', { fin: false }), frame(BINARY, 'b')]),
  echoed('a text in five fragments with pings between', fragments(TEXT, FIVE, ping('now')), [
    ...FIVE.slice(1).map(() => pong('now')),
    text(FIVE.join('')),
  ]),
  echoed('empty fragments', fragments(TEXT, ['', '', '']), [text('')]),
  echoed('empty fragments around one that is not', fragments(TEXT, ['', 'middle', '']), [text('middle')]),
]

export const framing = [...sizes, ...chopped, ...pings, ...reserved, ...fragmented]

/** The client's goodbye is answered, whatever it sends after that. */
export const afterGoodbye: readonly (readonly [name: string, rest: Uint8Array])[] = [
  ['another goodbye', goodbye()],
  ['a ping', ping()],
  ['a text', frame(TEXT, 'too late')],
]
