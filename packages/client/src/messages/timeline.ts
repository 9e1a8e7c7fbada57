/**
 * Turns a room's events into messages: applies edits, reactions and redactions to their message, in whatever order pages of
 * history and new events bring them. Changes of a message that is not loaded yet wait for it.
 */
import type { ReceivedEvent } from '../events.ts'
import type { MessageState, Reaction, SentMessage } from './message.ts'

/** The events that a timeline reads. */
export const TIMELINE_EVENTS = [
  'message:new',
  'message:edited',
  'message:redacted',
  'message:piece',
  'message:ended',
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
  readonly streaming?: boolean
  readonly state?: MessageState
  readonly seq?: number
  readonly at?: number
  readonly text?: string
  readonly id?: string
  readonly key?: string
  readonly ts?: number
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
  /** Texts of messages that are being written. */
  private readonly texts = new Map<number, string>()
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
    this.texts.clear()
    this.order = []
    this.list = undefined
  }

  /** Applies one event. The order does not matter, and a repeat has no effect. */
  apply({ event, args, meta }: ReceivedEvent): void {
    const body = (args[0] ?? {}) as Body
    if (event === 'message:piece') return this.grow(body)
    const { seq } = meta
    if (seq === undefined) return event === 'message:new' ? this.replace(body) : undefined // or a reaction to the moment
    switch (event) {
      case 'message:new':
        return this.add(seq, body, meta)
      case 'message:ended':
        return this.end(body)
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

  /** The text of a message, which may be longer than the `content` in the list while it is written. */
  textOf(seq: number): string {
    return this.texts.get(seq) ?? (this.originals.has(seq) ? this.fold(seq).content : '')
  }

  private add(seq: number, body: Body, { id = '', key = id, ts = 0 }: Partial<ReceivedEvent['meta']>): void {
    const { userId = '', name = userId, content, replyTo, streaming } = body
    const known = this.originals.get(seq)
    if (known) {
      // The same message from a page of history and live: of a text that grows one of them has less.
      const text = this.texts.get(seq)
      if (text !== undefined && content !== undefined && content.length > text.length) this.texts.set(seq, content)
      return
    }
    const state = streaming ? 'streaming' : body.state
    if (streaming) this.texts.set(seq, content ?? '')
    this.originals.set(seq, {
      ...{ status: 'sent', id, localId: key, seq, userId, name, replyTo, ts, state },
      ...{ content: content ?? '', isRedacted: content === undefined, editedAt: undefined, reactions: [] },
    })
    const at = this.order.findLastIndex((earlier) => earlier < seq) + 1
    this.order.splice(at, 0, seq)
    this.list = undefined
  }

  /** The text so far, for a client that joined or came back in the middle; or the whole text. */
  private replace(body: Body): void {
    const { seq, content = '', streaming, state } = body
    if (seq === undefined) return
    const known = this.originals.get(seq)
    if (!known) return this.add(seq, body, body)
    if (streaming) this.texts.set(seq, content)
    else this.texts.delete(seq)
    this.update(known, { content, state: streaming ? 'streaming' : state })
  }

  private grow({ seq = 0, at = 0, text = '' }: Body): void {
    const known = this.texts.get(seq)
    // What is longer is of a page of history; what is missing comes with one.
    if (known !== undefined && at <= known.length && at + text.length > known.length) {
      this.texts.set(seq, known.slice(0, at) + text)
    }
  }

  private end({ target = 0, state }: Body): void {
    const known = this.originals.get(target)
    const content = this.texts.get(target)
    this.texts.delete(target)
    if (known && content !== undefined) this.update(known, { content, state })
  }

  private update(known: SentMessage, change: Partial<SentMessage>): void {
    this.originals.set(known.seq, { ...known, ...change })
    this.folded.delete(known.seq)
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
