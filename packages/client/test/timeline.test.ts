/** Events folded into messages, whatever the order in which they come. */
import type { ReceivedEvent } from '@roomful/client'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Timeline } from '../src/messages/timeline.ts'

function event(seq: number, name: string, body: object | undefined): ReceivedEvent {
  return {
    event: name,
    args: body ? [body] : [],
    meta: { event: name, roomId: 'r', seq, id: `r-${seq}`, ts: seq * 1000 },
  }
}

const said = (seq: number, content: string, userId = 'ann'): ReceivedEvent =>
  event(seq, 'message:new', { userId, name: userId, content })

function fold(events: readonly ReceivedEvent[]): Timeline {
  const timeline = new Timeline()
  for (const each of events) timeline.apply(each)
  return timeline
}

describe('a timeline', () => {
  it('has each message once, in the order of the log', () => {
    const { messages } = fold([said(3, 'c'), said(1, 'a'), said(2, 'b'), said(3, 'c')])
    expect(messages.map(({ content }) => content)).toEqual(['a', 'b', 'c'])
  })

  it('shows the latest wording, also when the edits come before what they edit', () => {
    const edits = [
      event(2, 'message:edited', { target: 1, content: 'b' }),
      event(3, 'message:edited', { target: 1, content: 'c' }),
    ]
    const { messages } = fold([...edits.reverse(), said(1, 'a')])
    expect(messages).toMatchObject([{ seq: 1, content: 'c', editedAt: 3000, isRedacted: false }])
  })

  it('has no content of a redacted message, whether an event says so or the log is empty', () => {
    const { messages } = fold([
      said(1, 'a'),
      event(2, 'message:new', undefined),
      event(3, 'message:new', { redacted: true }),
      event(4, 'message:redacted', { target: 1 }),
    ])
    expect(messages).toMatchObject([1, 2, 3].map((seq) => ({ seq, content: '', isRedacted: true })))
    expect(messages[0]).toMatchObject({ userId: 'ann', name: 'ann' })
  })

  it('knows who wrote a deleted message after a reload, by the notice of its redaction', () => {
    const author = { userId: 'ann', name: 'Ann' }
    const emptied = event(1, 'message:new', undefined)
    const notice = event(2, 'message:redacted', { target: 1, userId: 'root', author })
    for (const events of [
      [emptied, notice],
      [notice, emptied],
    ]) {
      expect(fold(events).messages).toMatchObject([{ ...author, content: '', isRedacted: true }])
    }
  })

  it('counts a person once per emoji, the first one first', () => {
    const react = (seq: number, userId: string, emoji: string): ReceivedEvent =>
      event(seq, 'reaction:new', { userId, emoji, messageId: 'r-1' })
    const { messages } = fold([
      react(5, 'bob', '🎉'),
      react(4, 'ann', '👍'),
      said(1, 'a'),
      react(6, 'bob', '👍'),
      react(7, 'ann', '👍'),
    ])
    expect(messages[0]?.reactions).toEqual([
      { emoji: '👍', userIds: ['ann', 'bob'] },
      { emoji: '🎉', userIds: ['bob'] },
    ])
  })

  it('counts a reaction no more once it was taken back, and again once it was given again', () => {
    const by = (userId: string) => ({ userId, emoji: '👍', messageId: 'r-1' })
    const gave = (seq: number, userId: string): ReceivedEvent => event(seq, 'reaction:new', by(userId))
    const tookBack = (seq: number, userId: string): ReceivedEvent => event(seq, 'reaction:removed', by(userId))
    const timeline = fold([said(1, 'a'), gave(2, 'ann'), tookBack(3, 'bob'), gave(4, 'bob'), tookBack(5, 'ann')])
    expect(timeline.messages[0]?.reactions).toEqual([{ emoji: '👍', userIds: ['bob'] }])
    timeline.apply(gave(6, 'ann'))
    expect(timeline.messages[0]?.reactions).toEqual([{ emoji: '👍', userIds: ['bob', 'ann'] }])
    for (const [index, userId] of ['ann', 'bob'].entries()) timeline.apply(tookBack(7 + index, userId))
    expect(timeline.messages[0]?.reactions).toEqual([])
  })

  it('ignores events that are not stored, and unknown ones', () => {
    const burst = {
      event: 'reaction:new',
      args: [{ userId: 'ann', emoji: '👍' }],
      meta: { event: 'reaction:new', roomId: 'r' },
    }
    const strange = event(1, 'reaction:new', { userId: 'ann', emoji: '👍', messageId: 'r-x' })
    expect(fold([burst, strange, event(2, 'stock:update', {})]).messages).toEqual([])
  })

  it('gives the same objects until something about them changes', () => {
    const timeline = fold([said(1, 'a'), said(2, 'b')])
    const before = timeline.messages
    expect(timeline.messages).toBe(before)
    timeline.apply(event(3, 'message:edited', { target: 2, content: 'c' }))
    expect(timeline.messages[0]).toBe(before[0])
    expect(timeline.messages[1]).not.toBe(before[1])
  })

  it('is the same in whatever order pages and live events bring the log', () => {
    const step = fc.oneof(
      fc.constant({ kind: 'said' as const }),
      fc.record({
        kind: fc.constantFrom('edited' as const, 'redacted' as const, 'reacted' as const, 'unreacted' as const),
        target: fc.nat(11),
        who: fc.nat(2),
      }),
    )
    const log = fc.array(step, { minLength: 1, maxLength: 12 }).map((steps) =>
      steps.map((each, index) => {
        const seq = index + 1
        if (each.kind === 'said') return said(seq, `#${seq}`)
        const target = each.target + 1
        if (each.kind === 'edited') return event(seq, 'message:edited', { target, content: `edit ${seq}` })
        if (each.kind === 'redacted') return event(seq, 'message:redacted', { target })
        const name = each.kind === 'reacted' ? 'reaction:new' : 'reaction:removed'
        return event(seq, name, { userId: `u${each.who}`, emoji: '👍', messageId: `r-${target}` })
      }),
    )
    const shuffled = log.chain((events) =>
      fc.tuple(
        fc.constant(events),
        fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([events, other]) => {
        expect(fold(other).messages).toEqual(fold(events).messages)
      }),
    )
  })
})
