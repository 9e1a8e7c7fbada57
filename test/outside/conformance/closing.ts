/** Cases about the end: what may stand in a close frame, and what comes after it. RFC 6455 sections 5.5.1, 7.1 and 7.4. */
import { CLOSE, closePayload, frame, TEXT } from '../lib/raw.ts'
import { type ConformanceCase, echoed, fragments, GOODBYE, goodbye, NOT_UTF8, refused, text } from './case.ts'
import { afterGoodbye } from './framing.ts'

const MAY_BE_SENT = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
const MAY_NOT_BE_SENT = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535]

const large = Buffer.alloc(256 * 1024, '*')

export const closing: ConformanceCase[] = [
  echoed('a message, then a goodbye', [frame(TEXT, 'Hello')], [text('Hello')]),
  ...afterGoodbye.map(([name, rest]) => ({
    name: `${name} after the goodbye`,
    sends: [goodbye(), rest],
    hears: [],
    closes: GOODBYE,
  })),
  {
    name: 'a goodbye in the middle of a message',
    sends: [...fragments(TEXT, ['a', 'b']).slice(0, 1), goodbye(), frame(0, 'b')],
    hears: [],
    closes: GOODBYE,
  },
  echoed('256 KiB, then a goodbye', [frame(TEXT, large)], [text(large)]),
  { name: 'a goodbye without a code', sends: [frame(CLOSE)], hears: [], closes: [1000, 1005] },
  refused('a goodbye of one byte', [frame(CLOSE, Buffer.from([3]))]),
  { name: 'a goodbye with a reason', sends: [goodbye(1000, 'Hello World!')], hears: [], closes: GOODBYE },
  { name: 'a reason of 123 bytes', sends: [goodbye(1000, '*'.repeat(123))], hears: [], closes: GOODBYE },
  refused('a reason of 124 bytes', [goodbye(1000, '*'.repeat(124))]),
  refused(
    'a reason that is no UTF-8',
    [goodbye(1000, Buffer.from('cebae1bdb9cf83cebcceb5eda080656469746564', 'hex'))],
    NOT_UTF8,
  ),
  ...MAY_BE_SENT.map((code) => ({ name: `code ${code}`, sends: [goodbye(code)], hears: [], closes: [code, 1000] })),
  ...MAY_NOT_BE_SENT.map((code) => refused(`code ${code}`, [frame(CLOSE, closePayload(code))])),
]
