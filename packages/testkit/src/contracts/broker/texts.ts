/** Messages that are written in pieces: what is stored of them, and what their rows become. D17. */
import type { Append, FactChange } from '@roomful/server/ports'
import { fragmentOf, GROWING_TAIL, isEvent } from '@roomful/server/testing'
import { describe, expect, it } from 'vitest'
import type { CalledBroker } from '../../broker.ts'
import type { MakeBroker } from '../broker.ts'
import { bench, entry, key, NS, PLENTY, statuses, store } from './bench.ts'

const START = `[{"name":"Ann",${GROWING_TAIL}`
const TAIL = '"state":"complete"}]'
const PIECES = ['Once ', 'upon "a"\n', 'tïme 👍', '\ud83d', '\udc4d']

const begin = (roomId: string, text = '', more: Partial<Append> = {}): Append =>
  entry(roomId, '', { argsJson: START, change: { kind: 'begin', ...piece(text) }, ...more })
const extend = (roomId: string, seq: number, at: number, text: string): Append =>
  change(roomId, { kind: 'extend', seq, at, ...piece(text) })
const end = (roomId: string, seq: number, length: number): Append =>
  entry(roomId, { target: seq }, { type: 'message:ended', change: { kind: 'end', seq, length, tail: TAIL } })

function change(roomId: string, what: FactChange): Append {
  const made = entry(roomId, '', { argsJson: '[]', type: '', change: what })
  if (isEvent(made)) throw new Error('This is an event')
  return made
}

function piece(text: string): { fragment: string; length: number } {
  return { fragment: fragmentOf(text), length: text.length }
}

async function texts(broker: CalledBroker, roomId: string): Promise<[seq: number, text: string, length: number][]> {
  const growing = await broker.growing(NS, roomId)
  return growing.map(({ row, fragment, length }) => [row.seq, JSON.parse(`"${fragment}"`) as string, length])
}

export function textContract(makeBroker: MakeBroker): void {
  describe('a message in pieces', () => {
    it('[D17] is what was added so far, and one whole row when it has ended', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, begin('a', 'Title: '))
      let at = 7
      for (const text of PIECES) {
        const [result] = await broker.append(NS, [extend('a', 1, at, text)])
        at += text.length
        expect(result).toMatchObject({ status: 'changed', version: at, isRepeat: false })
      }
      const whole = `Title: ${PIECES.join('')}`
      expect(await texts(broker, 'a')).toEqual([[1, whole, at]])
      expect((await broker.heads(NS, ['a']))[0]).toMatchObject({ seq: 1, isGrowing: true })
      expect(statuses(await broker.append(NS, [end('a', 1, at)]))).toEqual(['stored'])
      expect(await texts(broker, 'a')).toEqual([])
      expect((await broker.heads(NS, ['a']))[0]?.isGrowing).not.toBe(true)
      const rows = await broker.read(NS, [{ roomId: 'a', seq: 0 }], PLENTY)
      expect(rows.map(({ seq, n }) => [seq, n])).toEqual([[1, 1], [2, 2]]) // biome-ignore format: pairs
      expect(JSON.parse(rows[0]?.argsJson ?? '')).toEqual([{ name: 'Ann', content: whole, state: 'complete' }])
      expect((await broker.history(NS, 'a', { after: 0, limit: 1 })).events).toEqual([rows[0]])
    })

    it('[D17] may end when its row is the oldest of a room that is full', async () => {
      const { broker } = await bench(makeBroker)
      await broker.subscribe(NS, [{ roomId: 'a', retention: 2 }])
      await store(broker, begin('a', 'one'))
      await store(broker, entry('a', 'x'))
      expect(statuses(await broker.append(NS, [end('a', 1, 3), entry('a', 'y')]))).toEqual(['stored', 'stored'])
      expect(await texts(broker, 'a')).toEqual([])
      expect((await broker.heads(NS, ['a']))[0]?.seq).toBe(4)
    })

    it('[D17] begins, grows and ends within one batch, beside others', async () => {
      const { broker } = await bench(makeBroker)
      const batch = [begin('a'), extend('a', 1, 0, 'one'), begin('a', 'x'), extend('a', 1, 3, ' two'), end('a', 1, 7)]
      expect(statuses(await broker.append(NS, batch))).toEqual(['stored', 'changed', 'stored', 'changed', 'stored'])
      expect(await texts(broker, 'a')).toEqual([[2, 'x', 1]])
      const { events } = await broker.history(NS, 'a', { limit: 9 })
      expect(events.map(({ argsJson }) => JSON.parse(argsJson)[0])).toMatchObject([
        { content: 'one two', state: 'complete' },
        { content: '', streaming: true },
        { target: 1 },
      ])
    })

    it('[D17] a repeat of a piece changes nothing; a gap and an overlap say how long it is', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, begin('a', 'abc'))
      const answers = await broker.append(NS, [
        extend('a', 1, 0, 'abc'),
        extend('a', 1, 1, 'b'),
        extend('a', 1, 4, 'x'),
        extend('a', 1, 2, 'cd'),
        end('a', 1, 4),
        extend('a', 1, 3, ''),
        extend('a', 1, 3, 'd'),
      ])
      expect(answers).toMatchObject([
        { status: 'changed', version: 3, isRepeat: true },
        { status: 'changed', version: 3, isRepeat: true },
        { status: 'refused', code: 'CONFLICT', current: { version: 3 } },
        { status: 'refused', code: 'CONFLICT', current: { version: 3 } },
        { status: 'refused', code: 'CONFLICT', current: { version: 3 } },
        { status: 'changed', version: 3, isRepeat: false },
        { status: 'changed', version: 4, isRepeat: false },
      ])
      expect(await texts(broker, 'a')).toEqual([[1, 'abcd', 4]])
    })

    it('[D17] takes nothing after its end, where it never was, or what was taken back', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, begin('a', 'one'), end('a', 1, 3), begin('a', 'two'))
      const late = [extend('a', 1, 3, '!'), end('a', 1, 3), extend('a', 9, 0, '!'), extend('b', 1, 0, '!')]
      const codes = ['CONFLICT', 'CONFLICT', 'NOT_FOUND', 'NOT_FOUND']
      expect(statuses(await broker.append(NS, late))).toEqual(codes)
      expect(await broker.heads(NS, ['b'])).toEqual([])
      await broker.redact(NS, 'a', 3)
      expect(await texts(broker, 'a')).toEqual([])
      expect(statuses(await broker.append(NS, [extend('a', 3, 3, '!'), end('a', 3, 3)]))).toEqual([
        'NOT_FOUND',
        'NOT_FOUND',
      ])
      const { events } = await broker.history(NS, 'a', { limit: 9 })
      expect(events.map(({ redacted }) => redacted)).toEqual([false, false, true])
    })

    it('[D17] goes on after its end when its row is still the one that the writer knows', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, begin('a', 'one'), end('a', 1, 3))
      const { events } = await broker.history(NS, 'a', { after: 0, limit: 1 })
      const resume = (was: string): Append =>
        change('a', { kind: 'resume', seq: 1, was, argsJson: START, ...piece('one') })
      const was = events[0]?.argsJson ?? ''
      const answers = await broker.append(NS, [resume('[{}]'), resume(was), resume(was), extend('a', 1, 3, ' two')])
      expect(statuses(answers)).toEqual(['CONFLICT', 'changed', 'CONFLICT', 'changed'])
      expect(await texts(broker, 'a')).toEqual([[1, 'one two', 7]])
      await store(broker, end('a', 1, 7))
      const again = await broker.history(NS, 'a', { after: 0, limit: 1 })
      expect(JSON.parse(again.events[0]?.argsJson ?? '')).toMatchObject([{ content: 'one two', state: 'complete' }])
    })

    it('[D17] has a key of its own: a repeat of its start gets the first numbers', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, begin('a', 'x', { key: key('k') }))
      const [again] = await broker.append(NS, [begin('a', 'x', { key: key('k') })])
      expect(again).toMatchObject({ status: 'duplicate', seq: 1 })
      expect(await texts(broker, 'a')).toEqual([[1, 'x', 1]])
    })

    it('[D17] at most 100 at once in a room', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, ...Array.from({ length: 100 }, () => begin('a')))
      expect(statuses(await broker.append(NS, [begin('a'), begin('b')]))).toEqual(['RATE_LIMITED', 'stored'])
      expect(statuses(await broker.append(NS, [end('a', 1, 0), begin('a')]))).toEqual(['stored', 'stored'])
    })
  })
}
