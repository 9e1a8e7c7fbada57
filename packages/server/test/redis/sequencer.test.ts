/** The order of commits out of two streams that arrive in whatever order, some of it never. */
import { VirtualClock } from '@roomful/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Sequencer } from '../../src/adapters/brokers/redis/sequencer.ts'

/** What Redis committed: a call of this node, or a message to it by a call of another. */
type Commit = 'call' | 'message'
type Sent =
  | { readonly kind: 'answer'; readonly place: number; readonly serial: number; readonly k: number }
  | { readonly kind: 'message'; readonly place: number; readonly k: number; readonly c: number }

/** As the script numbers them. */
function number(commits: readonly Commit[]): Sent[] {
  let k = 0
  let serial = 0
  return commits.map((commit, place) =>
    commit === 'call' ? { kind: 'answer', place, serial: ++serial, k } : { kind: 'message', place, k: ++k, c: serial },
  )
}

function start() {
  const clock = new VirtualClock()
  const released: number[] = []
  const breaks: string[] = []
  const forgotten: number[] = []
  const sequencer = new Sequencer<number, number>(
    {
      onAnswer: (_serial, place) => released.push(place),
      onMessage: (_k, place) => released.push(place),
      onForgotten: (serial) => forgotten.push(serial),
      onBreak: (why) => breaks.push(why),
    },
    clock,
  )
  sequencer.restart(0)
  const deliver = (sent: Sent) => {
    if (sent.kind === 'answer') sequencer.answer(sent.serial, sent.k, sent.place)
    else sequencer.message(sent.k, sent.c, sent.place)
  }
  return { clock, released, breaks, forgotten, sequencer, deliver }
}

const commits = fc.array(fc.constantFrom<Commit>('call', 'message'), { maxLength: 40 })

describe('the sequencer', () => {
  it('[G1] releases everything in the order of commits, in whatever order it arrives', () => {
    const cases = commits.chain(
      (each) =>
      fc.record({ each: fc.constant(each), order: fc.shuffledSubarray(each.map((_, i) => i), { minLength: each.length }) }), // biome-ignore format: one case
    )
    fc.assert(
      fc.property(cases, ({ each, order }) => {
        const { released, breaks, deliver, sequencer } = start()
        const sent = number(each)
        for (const i of order) deliver(sent[i] as Sent)
        expect(released).toEqual(each.map((_, i) => i))
        expect([breaks, sequencer.isWaiting]).toEqual([[], false])
      }),
    )
  })

  it('[G1] never goes out of order when messages are lost, and says so within a second', async () => {
    const cases = fc.record({
      each: commits,
      lost: fc.func(fc.boolean()),
      gapsMs: fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 40, maxLength: 40 }),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ each, lost, gapsMs }) => {
        const { clock, released, breaks, deliver } = start()
        const sent = number(each)
        const isLost = sent.map((one, i) => one.kind === 'message' && lost(i))
        for (let i = 0; i < sent.length; i++) {
          await clock.advance(gapsMs[i] ?? 0)
          if (!isLost[i]) deliver(sent[i] as Sent)
        }
        await clock.advance(1_000)
        const inOrder = released.toSorted((a, b) => a - b)
        expect(released).toEqual(inOrder)
        const firstLost = isLost.indexOf(true)
        const isNoticed = firstLost >= 0 && isLost.slice(firstLost).includes(false)
        expect(breaks.length > 0).toBe(isNoticed)
        if (firstLost >= 0) expect(released.slice(0, firstLost)).toEqual(sent.slice(0, firstLost).map(({ place }) => place)) // biome-ignore format: one line
      }),
      { numRuns: 50 },
    )
  })

  it('[G1] [G2] goes on after a break from where Redis says it is, with answers of the new connection alone', async () => {
    const { clock, released, breaks, forgotten, sequencer, deliver } = start()
    const sent = number(['message', 'message', 'call', 'message', 'call', 'message', 'message'])
    for (const i of [0, 2]) deliver(sent[i] as Sent)
    expect(released).toEqual([0])
    await clock.advance(999)
    expect(breaks).toEqual([])
    await clock.advance(1)
    expect(breaks).toEqual(['message 2 did not come'])
    // What the call was answered may have been lost since.
    expect(forgotten).toEqual([1])
    // The next connection: three messages were sent before it, and one more comes before it knows.
    deliver(sent[5] as Sent)
    sequencer.restart(3)
    expect(released).toEqual([0])
    deliver(sent[2] as Sent)
    expect(released).toEqual([0, 2])
    deliver(sent[4] as Sent)
    deliver(sent[6] as Sent)
    expect(released).toEqual([0, 2, 4, 5, 6])
  })

  it('takes a message that comes twice for a break', () => {
    const { breaks, deliver } = start()
    const [first] = number(['message']) as [Sent]
    deliver(first)
    deliver(first)
    expect(breaks).toEqual(['message 1 came twice'])
  })

  it('does not wait for a call that was given up', () => {
    const { released, sequencer, deliver } = start()
    const sent = number(['call', 'call', 'message'])
    deliver(sent[1] as Sent)
    deliver(sent[2] as Sent)
    expect(released).toEqual([])
    sequencer.giveUp(1, -1)
    expect(released).toEqual([-1, 1, 2])
    deliver(sent[0] as Sent)
    expect(released).toEqual([-1, 1, 2])
  })

  it('[G1] keeps the order of what is handed in while something is released', () => {
    const released: number[] = []
    const sent = number(['message', 'message', 'call'])
    const clock = new VirtualClock()
    const sequencer: Sequencer<number, number> = new Sequencer(
      {
        onAnswer: (_serial, place) => released.push(place),
        onMessage: (_k, place) => {
          if (place === 0) {
            sequencer.answer(1, 2, 2)
            sequencer.message(2, 0, 1)
          }
          released.push(place)
        },
        onForgotten: () => undefined,
        onBreak: () => undefined,
      },
      clock,
    )
    sequencer.restart(0)
    const [first] = sent as [Extract<Sent, { kind: 'message' }>]
    sequencer.message(first.k, first.c, first.place)
    expect(released).toEqual([0, 1, 2])
  })

  it('[G1] puts what waits for a message after it', () => {
    const { released, sequencer, deliver } = start()
    const [first, second] = number(['message', 'message']) as [Sent, Sent]
    sequencer.after(2, () => released.push(99))
    deliver(first)
    expect(released).toEqual([0])
    deliver(second)
    expect(released).toEqual([0, 1, 99])
  })
})
