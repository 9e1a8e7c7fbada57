/** A message in pieces that was read again from the log, while its members stand between two of the pieces that are there now. */
import { expect, it } from 'vitest'
import { GrowingText } from '../../src/core/events/growing-text.ts'
import type { GrowingRow } from '../../src/core/ports/broker.ts'

const row: GrowingRow['row'] = {
  n: 7,
  seq: 3,
  ts: 1,
  roomId: 'lobby',
  type: 'message:new',
  argsJson: '[{"content":"","streaming":true}]',
  userId: 'ann',
  key: undefined,
  redacted: false,
}

it('[D17] a text that was read again is whole for whoever joins before its members are sent the rest', () => {
  const text = GrowingText.of({ row, fragment: 'abc', length: 3, ts: 1 })
  text.add(3, 'def', 3, 2)
  text.sent = 6
  text.catchUp({ row, fragment: 'abcdefghi', length: 9, ts: 3 })
  expect(text.replay().args).toEqual([{ content: 'abcdefghi', streaming: true }])
  expect(text.pieceFrom(0).args).toMatchObject([{ at: 0, text: 'abcdefghi' }])
})
