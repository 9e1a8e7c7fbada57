/** The small values of the core on their own: windows, patterns, tails, marks, positions. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RoomDeclarations } from '../../src/core/base/contract.ts'
import { fingerprint } from '../../src/core/base/fingerprint.ts'
import { RateWindow } from '../../src/core/base/limits.ts'
import { joinFrames } from '../../src/core/base/turn.ts'
import { RoomEvent } from '../../src/core/events/event.ts'
import { type HotBudget, HotTail } from '../../src/core/events/hot-tail.ts'
import { resumeFrom } from '../../src/core/rooms/joins.ts'

describe('RateWindow', () => {
  const attempts = fc.array(fc.nat(400), { maxLength: 200 })

  it('[B34] [C12] never lets more than the limit into any window, and refuses only when it must', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), attempts, (limit, gaps) => {
        const window = new RateWindow(limit)
        const taken: number[] = []
        let now = 0
        for (const gap of gaps) {
          now += gap
          const inWindow = taken.filter((moment) => moment > now - 1_000)
          const wait = window.take(now, 1_000)
          expect(wait === 0).toBe(inWindow.length < limit)
          if (wait === 0) taken.push(now)
        }
      }),
    )
  })

  it('[B34] the wait that it tells is exact, and asking does not extend it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), attempts, (limit, gaps) => {
        const window = new RateWindow(limit)
        let now = 0
        for (const gap of gaps) {
          now += gap
          const wait = window.take(now, 1_000)
          if (wait === 0) continue
          expect(window.take(now + wait - 1, 1_000)).toBe(1)
          now += wait
          expect(window.take(now, 1_000)).toBe(0)
        }
      }),
    )
  })
})

describe('room patterns', () => {
  const matches = (pattern: string, roomId: string): boolean => {
    const declarations = new RoomDeclarations()
    declarations.add(pattern, {})
    return declarations.find(roomId, false) !== undefined
  }

  it.each([
    ['lobby', 'lobby', true],
    ['lobby', 'lobby2', false],
    ['board:*', 'board:1', true],
    ['board:*', 'board:', true],
    ['board:*', 'boar', false],
    ['*', 'anything', true],
    ['*:log', 'a:log', true],
    ['*:log', 'a:logs', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['a*bc*c', 'abc', false],
    ['a.c', 'abc', false],
    ['(x)*', '(x)1', true],
  ])('%s and %s: %s', (pattern, roomId, expected) => {
    expect(matches(pattern, roomId)).toBe(expected)
  })

  it('mean what the regular expression of the same shape means', () => {
    const letter = fc.constantFrom('a', 'b', ':')
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*'), maxLength: 6 })
    fc.assert(
      fc.property(pattern, fc.string({ unit: letter, maxLength: 8 }), (text, roomId) => {
        expect(matches(text, roomId)).toBe(new RegExp(`^${text.replaceAll('*', '.*')}$`).test(roomId))
      }),
      { numRuns: 1_000 },
    )
  })

  it('the first match wins, and what matches nothing is allowed only where the namespace is open', () => {
    const declarations = new RoomDeclarations()
    declarations.add('board:secret', { capacity: 1 })
    declarations.add('board:*', { capacity: 2 })
    expect(declarations.find('board:secret', false)?.options.capacity).toBe(1)
    expect(declarations.find('board:7', false)?.options.capacity).toBe(2)
    expect(declarations.find('other', false)).toBeUndefined()
    expect(declarations.find('other', true)?.options).toEqual({})
  })
})

describe('HotTail', () => {
  const at = (seq: number, text = ''): RoomEvent =>
    RoomEvent.fromRow({
      n: seq,
      seq,
      ts: 0,
      roomId: 'x',
      type: 't',
      argsJson: JSON.stringify([text]),
      userId: undefined,
      key: undefined,
      redacted: false,
    })

  it('holds the latest events without a gap, whatever is pushed, cleared and read', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.constant({ kind: 'next' as const }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('jump' as const), by: fc.integer({ min: 2, max: 5 }) }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('read' as const), from: fc.nat(8), isLate: fc.boolean() }),
      },
    )
    fc.assert(
      fc.property(fc.nat(6), fc.array(step, { maxLength: 60 }), (size, steps) => {
        const budget: HotBudget = { used: 0, limit: Number.POSITIVE_INFINITY }
        const tail = new HotTail(size, budget)
        let last = 0
        let expected: number[] = []
        for (const each of steps) {
          if (each.kind === 'clear') {
            tail.clear(last)
            expected = []
            continue
          }
          if (each.kind === 'read') {
            const before = expected[0] ?? last + 1
            const read = Array.from({ length: last }, (_, i) => i + 1).slice(-each.from || last)
            tail.warm(
              read.map((seq) => at(seq)),
              tail.generation - (each.isLate ? 1 : 0),
            )
            const older = read
              .filter((seq) => seq < before)
              .slice(expected.length === size ? size + last : expected.length - size)
            if (!each.isLate) expected = [...older, ...expected]
            expect(tail.from).toBe(expected[0] ?? last + 1)
            continue
          }
          last += each.kind === 'jump' ? each.by : 1
          if (each.kind === 'jump') expected = []
          tail.push(at(last), last)
          expected = [...expected, last].slice(size === 0 ? Number.POSITIVE_INFINITY : -size)
          const held = Array.from({ length: last + 2 }, (_, seq) => tail.get(seq)?.stored?.seq).filter(Boolean)
          expect(held).toEqual(expected)
          expect(tail.from).toBe(expected[0] ?? last + 1)
        }
        tail.clear()
        expect(budget.used).toBe(0)
      }),
    )
  })

  it('shares one budget: what does not fit is let go, oldest first, but the latest stays', () => {
    const budget: HotBudget = { used: 0, limit: 2_000 }
    const tail = new HotTail(100, budget)
    for (let seq = 1; seq <= 20; seq++) tail.push(at(seq, 'x'.repeat(50)), seq)
    expect(budget.used).toBeLessThanOrEqual(2_000)
    expect(tail.get(20)).toBeDefined()
    expect(tail.get(1)).toBeUndefined()
    tail.push(at(21, 'x'.repeat(5_000)), 21)
    expect([tail.from, tail.get(21)?.stored?.seq]).toEqual([21, 21])
  })
})

describe('fingerprint', () => {
  it('[G3] is the same for the same text and tells others apart', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        expect(fingerprint(left) === fingerprint(right)).toBe(left === right)
      }),
      { numRuns: 2_000 },
    )
    const many = new Set(Array.from({ length: 20_000 }, (_, i) => fingerprint(`message:send\n["${i}"]`)))
    expect(many.size).toBe(20_000)
  })
})

describe('resumeFrom', () => {
  const room = { epoch: 'e1', head: 50, first: 11 }

  it('[G4] never says recovered when a single event is missing', () => {
    const seq = fc.nat(60)
    fc.assert(
      fc.property(seq, fc.nat(60), fc.integer({ min: 1, max: 60 }), fc.boolean(), (after, first, replayMax, isSame) => {
        const log = { epoch: 'e1', head: 50, first: Math.min(first, 51) }
        const { position, ack } = resumeFrom(log, { epoch: isSame ? 'e1' : 'e0', seq: after }, replayMax)
        const isWhole = isSame && after <= 50 && after + 1 >= log.first && 50 - after <= replayMax
        expect(ack.recovered).toBe(isWhole)
        if (isWhole) expect(position).toBe(after)
        else expect(ack).toMatchObject({ from: position + 1, to: 50 })
        expect(position).toBeGreaterThanOrEqual(isWhole ? 0 : log.first - 1)
        expect(50 - position).toBeLessThanOrEqual(replayMax)
      }),
    )
  })

  it('[G4] says why', () => {
    const reason = (after: { epoch: string; seq: number } | number, replayMax = 100) =>
      resumeFrom(room, after, replayMax).ack
    expect(reason({ epoch: 'e1', seq: 50 })).toEqual({ recovered: true })
    expect(reason(10)).toEqual({ recovered: true })
    expect(reason({ epoch: 'e0', seq: 50 })).toEqual({ recovered: false, reason: 'epoch', from: 11, to: 50 })
    expect(reason({ epoch: 'e1', seq: 51 })).toMatchObject({ reason: 'epoch' })
    expect(reason(9)).toEqual({ recovered: false, reason: 'trimmed', from: 11, to: 50 })
    expect(reason(30, 10)).toEqual({ recovered: false, reason: 'too_far', from: 41, to: 50 })
  })
})

describe('joinFrames', () => {
  const bytes = (buffers: readonly Uint8Array[]): number[] => buffers.flatMap((buffer) => [...buffer])

  it('[A3.2] keeps the order, joins what is small, and shares the buffer of equal lists only', () => {
    const join = joinFrames()
    const [a, b, c] = [new Uint8Array([1]), new Uint8Array([2, 3]), new Uint8Array([1])]
    const first = join([a, b])
    expect(first).toHaveLength(1)
    expect(bytes(first)).toEqual([1, 2, 3])
    expect(join([a, b])).toBe(first)
    expect(join([c, b])).not.toBe(first)
    expect(bytes(join([b, a]))).toEqual([2, 3, 1])
    expect(join([b])[0]).toBe(b)
  })

  it('[A3.2] never copies what is large for one link alone', () => {
    const join = joinFrames()
    const large = [new Uint8Array(9_000).fill(1), new Uint8Array(9_000).fill(2)]
    expect(join(large)).toEqual(large)
    expect(join([...large].reverse()).map((buffer) => buffer[0])).toEqual([2, 1])
  })
})
