/**
 * Turns a room's events into messages: applies edits, reactions and redactions to their message, in whatever order pages of
 * history and new events bring them. Changes of a message that is not loaded yet wait for it.
 */
import type { ReceivedEvent } from '../events.ts'
import type { Reaction, SentMessage } from './message.ts'

/** The events that a timeline reads. */
export const TIMELINE_EVENTS = [
  'message:new',
  'message:edited',
  'message:redacted',
  'reaction:new',
  'reaction:removed',
] as const

/** Fields of these events; an event whose content was removed has none. */
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

/** The changes of one message. */
interface Changes {
  content: string | undefined
  /** Number and time of the latest edit. */
  editSeq: number
  editedAt: number | undefined
  isRedacted: boolean
  /** The author, from the event that redacted it: an emptied message has no name. */
  author: { readonly userId: string; readonly name: string } | undefined
  /** By emoji and user id. */
  readonly reactions: Map<string, Map<string, UserReaction>>
}

/** The reaction of one user, as numbers of its events, since pages come newest first. */
interface UserReaction {
  /** Events that gave it, after the last one that removed it. */
  given: readonly number[]
  /** The last event that removed it. */
  removed: number
}

export class Timeline {
  private readonly originals = new Map<number, SentMessage>()
  private readonly changes = new Map<number, Changes>()
  /** Messages with their changes applied; an entry is removed when its message changes. */
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

  /** Applies one event. The order does not matter, and a repeat has no effect. */
  apply({ event, args, meta }: ReceivedEvent): void {
    const { seq } = meta
    if (seq === undefined) return // a reaction to the moment, which is not stored
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
        return this.react(body, (reaction) => {
          if (seq > reaction.removed) reaction.given = [...reaction.given, seq]
        })
      case 'reaction:removed':
        return this.react(body, (reaction) => {
          reaction.removed = Math.max(reaction.removed, seq)
          reaction.given = reaction.given.filter((each) => each > reaction.removed)
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

  private react({ messageId = '', emoji, userId }: Body, change: (reaction: UserReaction) => void): void {
    const target = Number(messageId.slice(messageId.lastIndexOf('-') + 1))
    if (!Number.isInteger(target) || target <= 0 || emoji === undefined || userId === undefined) return
    const { reactions } = this.change(target)
    const byUser = reactions.get(emoji) ?? new Map<string, UserReaction>()
    reactions.set(emoji, byUser)
    const reaction = byUser.get(userId) ?? { given: [], removed: 0 }
    byUser.set(userId, reaction)
    change(reaction)
  }

  /** The changes of a message, to be modified. */
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

/** Emojis by when each was first given, and so the users of each. */
function listReactions(reactions: Changes['reactions']): Reaction[] {
  const listed = [...reactions].flatMap(([emoji, byUser]) => {
    const users = [...byUser]
      .filter(([, { given }]) => given.length > 0)
      .map(([userId, { given }]) => ({ userId, first: Math.min(...given) }))
      .sort((one, other) => one.first - other.first)
    const [earliest] = users
    return earliest ? [{ emoji, first: earliest.first, userIds: users.map(({ userId }) => userId) }] : []
  })
  return listed.sort((one, other) => one.first - other.first).map(({ emoji, userIds }) => ({ emoji, userIds }))
}
