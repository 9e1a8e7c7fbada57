/** Cases about text that is, and is not, UTF-8, whole and in fragments that cut characters. RFC 6455 sections 5.6 and 8.1, RFC 3629. */
import { frame, TEXT } from '../lib/raw.ts'
import { bytes, type ConformanceCase, echoed, fragments, NOT_UTF8, refused, text } from './case.ts'

const KOSME = bytes('ce ba e1 bd b9 cf 83 ce bc ce b5')
const SURROGATE = bytes('ed a0 80')

const octets = (payload: Uint8Array): Uint8Array[] => Array.from(payload, (octet) => Uint8Array.of(octet))
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

const GOOD: readonly (readonly [what: string, hex: readonly string[]])[] = [
  ['first of a length', ['00', 'c280', 'e0a080', 'f0908080']],
  ['last of a length', ['7f', 'dfbf', 'efbfbf', 'f48fbfbf']],
  ['at a boundary', ['ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf']],
  ['no character', [...nonCharacters()]],
  ['special', ['efbfb9', 'efbfba', 'efbfbb', 'efbfbc', 'efbfbd', 'efbfbe', 'efbfbf']],
]

const BAD: readonly (readonly [what: string, hex: readonly string[]])[] = [
  ['five and six bytes', ['f888808080', 'fc8480808080', 'f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf', 'f4908080']],
  [
    'continuations of nothing',
    ['80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf', hexOf(range(0x80, 0xbf))],
  ],
  [
    'lonely starts',
    [
      [0xc0, 0xdf],
      [0xe0, 0xef],
      [0xf0, 0xf7],
      [0xf8, 0xfb],
      [0xfc, 0xfd],
    ].map(([from = 0, to = 0]) => hexOf(range(from, to).flatMap((start) => [start, 0x20]))),
  ],
  [
    'one byte short',
    ['c0', 'e080', 'f08080', 'f8808080', 'fc80808080', 'df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf'],
  ],
  ['all of them, one byte short', ['c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf']],
  ['impossible bytes', ['fe', 'ff', 'fefeffff']],
  ['too long a form of a slash', ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af']],
  ['too long a form of a boundary', ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf']],
  ['too long a form of zero', ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080']],
  ['single surrogates', ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf']],
  [
    'paired surrogates',
    [
      'eda080edb080',
      'eda080edbfbf',
      'edadbfedb080',
      'edadbfedbfbf',
      'edae80edb080',
      'edae80edbfbf',
      'edafbfedb080',
      'edafbfedbfbf',
    ],
  ],
]

const prefixes: ConformanceCase[] = range(1, KOSME.length).map((length) => {
  const payload = KOSME.subarray(0, length)
  const isWhole = [2, 5, 7, 9, 11].includes(length)
  const name = `the first ${length} bytes of κόσμε`
  return isWhole
    ? echoed(name, [frame(TEXT, payload)], [text(payload)])
    : refused(name, [frame(TEXT, payload)], NOT_UTF8)
})

const cut: ConformanceCase[] = [
  echoed('a text whose characters are cut by fragments', fragments(TEXT, [KOSME.subarray(0, 3), KOSME.subarray(3)]), [
    text(KOSME),
  ]),
  echoed('a text of one-byte fragments', fragments(TEXT, octets(KOSME)), [text(KOSME)]),
  echoed(
    'a text of many characters, octet by octet',
    [frame(TEXT, 'Hello-µ@ßöäüàá-UTF-8!!')],
    [text('Hello-µ@ßöäüàá-UTF-8!!')],
    1,
  ),
  echoed('a text of many characters in fragments', fragments(TEXT, ['Hello-µ@ßöä', 'üàá-UTF-8!!']), [
    text('Hello-µ@ßöäüàá-UTF-8!!'),
  ]),
  refused(
    'a surrogate between good characters',
    [frame(TEXT, Buffer.concat([KOSME, SURROGATE, bytes('65646974656 4')]))],
    NOT_UTF8,
  ),
  refused('a surrogate in a fragment of its own', fragments(TEXT, [KOSME, SURROGATE, 'edited']), NOT_UTF8),
  refused('a surrogate of one-byte fragments', fragments(TEXT, octets(Buffer.concat([KOSME, SURROGATE]))), NOT_UTF8),
  refused(
    'a character above the last one in a fragment',
    fragments(TEXT, [KOSME, bytes('f4 90 80 80'), 'edited']),
    NOT_UTF8,
  ),
]

const all = (list: typeof GOOD, make: (name: string, payload: Buffer) => ConformanceCase): ConformanceCase[] =>
  list.flatMap(([what, hexes]) =>
    hexes.map((hex) => make(`${what}: ${hex.slice(0, 24)} (${hex.length / 2} bytes)`, bytes(hex))),
  )

/** Each byte in a frame of its own. */
const apart = BAD.filter(([what]) => what === 'impossible bytes' || what === 'single surrogates')

export const utf8 = [
  ...prefixes,
  ...cut,
  ...all(GOOD, (name, payload) => echoed(name, [frame(TEXT, payload)], [text(payload)])),
  ...all(BAD, (name, payload) => refused(name, [frame(TEXT, payload)], NOT_UTF8)),
  ...all(apart, (name, payload) => refused(`${name}, in fragments`, fragments(TEXT, octets(payload)), NOT_UTF8)),
]

function hexOf(values: readonly number[]): string {
  return Buffer.from(values).toString('hex')
}

/** U+FFFE and U+FFFF of each plane. */
function* nonCharacters(): Generator<string> {
  for (const plane of range(0, 16)) {
    for (const last of [0xfffe, 0xffff]) yield Buffer.from(String.fromCodePoint(plane * 0x10000 + last)).toString('hex')
  }
}
