/** What the check of a history finds: one short history for each problem. */
import { type Fact, HistoryCheck, type LoggedRoom } from '@roomful/testkit/history'
import { describe, expect, it } from 'vitest'

const room = 'r'
const enters = (seq: number, epoch = 'e'): Fact => ({ what: 'enters', room, epoch, seq })
const receives = (seq: number, content = `${seq}`, epoch = 'e', key?: string): Fact => ({
  ...{ what: 'receives', room, epoch, seq, n: seq, key, content },
})
const gap = (from: number, to: number, reason = 'trimmed', epoch = 'e'): Fact => ({
  ...{ what: 'gap', room, epoch, reason, from, to },
})
const says = (key: string): Fact => ({ what: 'says', room, key })
const answered = (key: string, seq: number): Fact => ({ what: 'answered', room, key, seq })

function log(count: number, keys: Record<number, string> = {}, first = 1): Map<string, LoggedRoom> {
  const events = Array.from({ length: count }, (_, i) => ({ seq: i + 1, key: keys[i + 1], content: `${i + 1}` }))
  return new Map([[room, { epoch: 'e', first, events }]])
}

/** Facts of `ann`, or of another client with its name before them. */
function check(facts: readonly (Fact | [string, Fact])[], end: Map<string, LoggedRoom>, replayMax?: number): string[] {
  const history = new HistoryCheck(replayMax === undefined ? {} : { replayMax })
  const found = facts.map((fact) => (Array.isArray(fact) ? history.take(...fact) : history.take('ann', fact)))
  return [...found.filter((problem) => problem !== undefined), ...history.finish(end)]
}

describe('a history', () => {
  it('is valid when everything is received once, in order, and missing events were reported and are gone', () => {
    expect(
      check([says('k'), answered('k', 2), enters(0), receives(1), receives(2, '2', 'e', 'k')], log(2, { 2: 'k' })),
    ).toEqual([])
    expect(check([enters(1), receives(2), gap(5, 6), receives(5), receives(6)], log(6, {}, 5))).toEqual([])
    expect(check([enters(0), gap(4, 6, 'too_far'), receives(4), receives(5), receives(6)], log(6), 3)).toEqual([])
  })

  it.each([
    ['lost', [says('k'), answered('k', 3)], log(2), /acknowledged as r#3, and is not in the log/],
    ['twice in the log', [says('k')], log(2, { 1: 'k', 2: 'k' }), /in the log twice/],
    ['acknowledged with another number', [says('k'), answered('k', 1)], log(2, { 2: 'k' }), /is #2 in the log/],
    ['received again', [enters(0), receives(1), receives(1)], log(1), /received again/],
    ['received out of order', [enters(0), receives(2)], log(2), /the events between are missing/],
    ['missing at the end', [enters(0), receives(1)], log(2), /stands at r#1, and the log at #2/],
    [
      'received differently',
      [enters(0), receives(1, 'x'), ['bob', enters(0)], ['bob', receives(1)]],
      log(1),
      /but {2}x for ann/,
    ],
    ['received but logged differently', [enters(0), receives(1, 'x')], log(1), /is {2}1 in the log/],
    [
      'of another log without a reset',
      [enters(0), receives(1), receives(2, '2', 'f')],
      log(2),
      /the log changed from e to f/,
    ],
    ['reported missing but stored', [enters(0), gap(3, 3), receives(3)], log(3), /#1 was still stored/],
    ['a reset to the same log', [enters(0), gap(1, 1, 'epoch'), receives(1)], log(1), /although it is the same/],
    ['received outside of the room', [receives(1)], log(1), /received outside of the room/],
    ['recovered, falsely', [enters(0), { what: 'resumes', room, epoch: 'f', seq: 0 }], log(0), /another one/],
  ] as const)('[D2] finds what is %s', (_name, facts, end, problem) => {
    const [first] = check(facts as Parameters<typeof check>[0], end)
    expect(first).toMatch(problem)
  })

  it('[G1] finds live events in another order than they were stored in', () => {
    const other = (n: number): Fact => ({
      ...{ what: 'receives', room: 's', epoch: 's', seq: 1, n, key: undefined, content: '' },
    })
    const [first] = check([enters(0), { what: 'enters', room: 's', epoch: 's', seq: 0 }, receives(1), other(1)], log(1))
    expect(first).toMatch(/commit number 1 after 1/)
  })

  it('excuses what a power failure took, and nothing else', () => {
    const cut: Fact = { what: 'log cut', heads: new Map([[room, 1]]) }
    expect(check([says('a'), says('b'), answered('a', 1), answered('b', 2), cut], log(1, { 1: 'a' }))).toEqual([])
    expect(check([says('a'), says('b'), answered('a', 1), answered('b', 2), cut], log(1))).toHaveLength(1)
  })
})
