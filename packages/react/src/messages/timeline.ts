/**
 * A room's events as messages: edits, reactions and redactions folded into what they are about, whatever the order in which
 * pages of history and live events bring them. What concerns a message that is not loaded yet waits for it.
 */
import type { ReceivedEvent } from '@roomful/client'
import type { Reaction, SentMessage } from './message.ts'

/** The events that a timeline is made of. */
export const TIMELINE_EVENTS = [
  'message:new',
  'message:edited',
  'message:redacted',
  'reaction:new',
  'reaction:removed',
] as const

/** Fields of these events; all are missing from one whose body was taken out of the log. */
interface Body {
  readonly userId?: string
  readonly name?: string
  readonly content?: string
  readonly replyTo?: string
  readonly target?: number
  readonly emoji?: string
  readonly messageId?: string
  readonly author?: { readonly userId: string; readonly name: string }
}

/** What was said about one message. */
interface Changes {
  content: string | undefined
  /** Number and time of the latest edit. */
  editSeq: number
  editedAt: number | undefined
  isRedacted: boolean
  /** Who wrote what was redacted, as the notice of it says: an emptied message has no name. */
  author: { readonly userId: string; readonly name: string } | undefined
  /** By emoji, who. */
  readonly reactions: Map<string, Map<string, Gift>>
}

/** One person's reaction, by the numbers of its events, since pages come newest first. */
interface Gift {
  /** Those in which it was given, after the last one in which it was taken back. */
  given: readonly number[]
  removed: number
}

export class Timeline {
  private readonly originals = new Map<number, SentMessage>()
  private readonly changes = new Map<number, Changes>()
  /** Messages as they are now; one is made anew when something about it changes. */
  private readonly folded = new Map<number, SentMessage>()
  private order: number[] = []
  private list: readonly SentMessage[] | undefined

  /** Oldest first; the same array until something changes. */
  get messages(): readonly SentMessage[] {
    this.list ??= this.order.map((seq) => this.fold(seq))
    return this.list
  }

  has(seq: number): boolean {
    return this.originals.has(seq)
  }

  clear(): void {
    this.originals.clear()
    this.changes.clear()
    this.folded.clear()
    this.order = []
    this.list = undefined
  }

  /** Takes one event, once or again, in any order. */
  apply({ event, args, meta }: ReceivedEvent): void {
    const { seq } = meta
    if (seq === undefined) return // a reaction to what is happening, which nobody keeps
    const body = (args[0] ?? {}) as Body
    switch (event) {
      case 'message:new':
        return this.add(seq, body, meta)
      case 'message:edited':
        if (body.target !== undefined && body.content !== undefined) this.edit(body.target, seq, body.content, meta.ts)
        return
      case 'message:redacted':
        if (body.target !== undefined)
          Object.assign(this.change(body.target), { isRedacted: true, author: body.author })
        return
      case 'reaction:new':
        return this.react(body, (gift) => {
          if (seq > gift.removed) gift.given = [...gift.given, seq]
        })
      case 'reaction:removed':
        return this.react(body, (gift) => {
          gift.removed = Math.max(gift.removed, seq)
          gift.given = gift.given.filter((each) => each > gift.removed)
        })
    }
  }

  private add(seq: number, body: Body, { id = '', key = id, ts = 0 }: ReceivedEvent['meta']): void {
    if (this.originals.has(seq)) return
    const { userId = '', name = userId, content, replyTo } = body
    this.originals.set(seq, {
      ...{ status: 'sent', id, localId: key, seq, userId, name, replyTo, ts },
      ...{ content: content ?? '', isRedacted: content === undefined, editedAt: undefined, reactions: [] },
    })
    const at = this.order.findLastIndex((earlier) => earlier < seq) + 1
    this.order.splice(at, 0, seq)
    this.list = undefined
  }

  private edit(target: number, seq: number, content: string, ts: number | undefined): void {
    const changes = this.change(target)
    if (seq < changes.editSeq) return
    Object.assign(changes, { content, editSeq: seq, editedAt: ts })
  }

  private react({ messageId = '', emoji, userId }: Body, change: (gift: Gift) => void): void {
    const target = Number(messageId.slice(messageId.lastIndexOf('-') + 1))
    if (!Number.isInteger(target) || target <= 0 || emoji === undefined || userId === undefined) return
    const { reactions } = this.change(target)
    const who = reactions.get(emoji) ?? new Map<string, Gift>()
    reactions.set(emoji, who)
    const gift = who.get(userId) ?? { given: [], removed: 0 }
    who.set(userId, gift)
    change(gift)
  }

  /** What is known about a message, to be changed. */
  private change(target: number): Changes {
    const known = this.changes.get(target)
    const changes = known ?? {
      ...{ content: undefined, editSeq: 0, editedAt: undefined, isRedacted: false, author: undefined },
      reactions: new Map(),
    }
    if (!known) this.changes.set(target, changes)
    this.folded.delete(target)
    this.list = undefined
    return changes
  }

  private fold(seq: number): SentMessage {
    const known = this.folded.get(seq)
    if (known) return known
    const original = this.originals.get(seq) as SentMessage // `order` has the keys of `originals`
    const changes = this.changes.get(seq)
    const message = changes ? changed(original, changes) : original
    this.folded.set(seq, message)
    return message
  }
}

function changed(original: SentMessage, { content, editedAt, isRedacted, author, reactions }: Changes): SentMessage {
  const common = { ...original, reactions: listReactions(reactions) }
  if (isRedacted || original.isRedacted) {
    const by = original.name === '' && author ? { userId: author.userId, name: author.name } : {}
    return { ...common, ...by, content: '', isRedacted: true, reactions: [] }
  }
  return content === undefined ? common : { ...common, content, editedAt }
}

/** In the order in which each was given first, and so the people of each. */
function listReactions(reactions: Changes['reactions']): Reaction[] {
  const listed = [...reactions].flatMap(([emoji, gifts]) => {
    const people = [...gifts]
      .filter(([, { given }]) => given.length > 0)
      .map(([userId, { given }]) => ({ userId, first: Math.min(...given) }))
      .sort((one, other) => one.first - other.first)
    const [earliest] = people
    return earliest ? [{ emoji, first: earliest.first, userIds: people.map(({ userId }) => userId) }] : []
  })
  return listed.sort((one, other) => one.first - other.first).map(({ emoji, userIds }) => ({ emoji, userIds }))
}
