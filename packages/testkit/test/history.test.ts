/** What the check of a history calls wrong, one short history each. */
import { type Fact, HistoryCheck, type LoggedRoom } from '@roomful/testkit/history'
import { describe, expect, it } from 'vitest'

const room = 'r'
const enters = (seq: number, epoch = 'e'): Fact => ({ what: 'enters', room, epoch, seq })
const hears = (seq: number, content = `${seq}`, epoch = 'e', key?: string): Fact => ({
  ...{ what: 'hears', room, epoch, seq, n: seq, key, content },
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

/** Facts of `ann`, or with the name of somebody else before them. */
function check(facts: readonly (Fact | [string, Fact])[], end: Map<string, LoggedRoom>, replayMax?: number): string[] {
  const history = new HistoryCheck(replayMax === undefined ? {} : { replayMax })
  const told = facts.map((fact) => (Array.isArray(fact) ? history.take(...fact) : history.take('ann', fact)))
  return [...told.filter((problem) => problem !== undefined), ...history.finish(end)]
}

describe('a history', () => {
  it('is well when everything is heard once, in order, and what is missing was told and is gone', () => {
    expect(
      check([says('k'), answered('k', 2), enters(0), hears(1), hears(2, '2', 'e', 'k')], log(2, { 2: 'k' })),
    ).toEqual([])
    expect(check([enters(1), hears(2), gap(5, 6), hears(5), hears(6)], log(6, {}, 5))).toEqual([])
    expect(check([enters(0), gap(4, 6, 'too_far'), hears(4), hears(5), hears(6)], log(6), 3)).toEqual([])
  })

  it.each([
    ['lost', [says('k'), answered('k', 3)], log(2), /acknowledged as r#3, and is not in the log/],
    ['twice in the log', [says('k')], log(2, { 1: 'k', 2: 'k' }), /in the log twice/],
    ['acknowledged with another number', [says('k'), answered('k', 1)], log(2, { 2: 'k' }), /is #2 in the log/],
    ['heard again', [enters(0), hears(1), hears(1)], log(1), /heard again/],
    ['heard out of order', [enters(0), hears(2)], log(2), /what lies between is missing/],
    ['missing at the end', [enters(0), hears(1)], log(2), /stands at r#1, and the log at #2/],
    [
      'heard differently',
      [enters(0), hears(1, 'x'), ['bob', enters(0)], ['bob', hears(1)]],
      log(1),
      /but {2}x for ann/,
    ],
    ['heard and not logged so', [enters(0), hears(1, 'x')], log(1), /is {2}1 in the log/],
    ['of another log, untold', [enters(0), hears(1), hears(2, '2', 'f')], log(2), /the log changed from e to f/],
    ['called missing, and there', [enters(0), gap(3, 3), hears(3)], log(3), /#1 was to be had/],
    ['of the same log, called another', [enters(0), gap(1, 1, 'epoch'), hears(1)], log(1), /and it is the same/],
    ['heard outside', [hears(1)], log(1), /heard outside of the room/],
    ['recovered, falsely', [enters(0), { what: 'resumes', room, epoch: 'f', seq: 0 }], log(0), /another one/],
  ] as const)('[D2] tells what is %s', (_name, facts, end, problem) => {
    const [first] = check(facts as Parameters<typeof check>[0], end)
    expect(first).toMatch(problem)
  })

  it('[G1] tells what is live in another order than it was stored in', () => {
    const other = (n: number): Fact => ({
      ...{ what: 'hears', room: 's', epoch: 's', seq: 1, n, key: undefined, content: '' },
    })
    const [first] = check([enters(0), { what: 'enters', room: 's', epoch: 's', seq: 0 }, hears(1), other(1)], log(1))
    expect(first).toMatch(/commit number 1 after 1/)
  })

  it('forgives what a power failure took, and nothing else', () => {
    const cut: Fact = { what: 'log cut', heads: new Map([[room, 1]]) }
    expect(check([says('a'), says('b'), answered('a', 1), answered('b', 2), cut], log(1, { 1: 'a' }))).toEqual([])
    expect(check([says('a'), says('b'), answered('a', 1), answered('b', 2), cut], log(1))).toHaveLength(1)
  })
})
