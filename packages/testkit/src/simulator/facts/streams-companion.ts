/**
 * A client that writes messages in pieces and reads those of others: what it has of a text is always a prefix of what the log
 * took, and whole in the end, and each piece comes once.
 */
import type { Companion, CompanionHost, Message } from './companion.ts'

/** A message that this client writes. */
interface Writing {
  readonly roomId: string
  readonly seq: number
  /** What is stored of it, as far as the answers say. */
  length: number
  /** What is to be sent behind the piece that is on its way. */
  pending: string
  isSending: boolean
  /** How it is to end when all of it is stored. */
  ending: 'message:complete' | 'message:cancel' | undefined
  isOver: boolean
}

interface TextView {
  text: string
  /** Nothing while it grows. */
  state: string | undefined
  /** It grew before a gap, in which it may have ended. */
  isUnsure: boolean
}

interface RoomView {
  epoch: string
  readonly texts: Map<number, TextView>
  /** Those that grew when it joined: it gets all there is of them. */
  wanted: readonly number[]
  /** Where the latest gap ended: it may lack what is before. */
  from: number
}

const MODEL = 'ask-model'

export class StreamsCompanion implements Companion {
  private readonly host: CompanionHost
  private readonly rooms = new Map<string, RoomView>()
  /** Texts that came before the answer to the join was handed out. */
  private readonly early = new Map<string, Message[]>()
  private readonly writings: Writing[] = []
  /** Messages that a server writes for it, by the key. */
  private readonly asked: { readonly roomId: string; readonly key: string }[] = []
  /** Messages of its own of which it got that they were stopped. */
  private readonly stops = new Set<string>()
  private pieces = 0
  private cuts = 0

  constructor(host: CompanionHost) {
    this.host = host
  }

  joinFields(): Message {
    return {}
  }

  joined(roomId: string, { epoch, seq, recovered }: Message): void {
    const { host } = this
    const known = this.rooms.get(roomId)
    const fresh: RoomView = { epoch, texts: new Map(), wanted: [], from: seq + 1 }
    const view = known !== undefined && known.epoch === epoch ? known : fresh
    this.rooms.set(roomId, view)
    const growing = [...host.truth(roomId).texts].filter(([at, text]) => at <= seq && !text.state && !text.wasResumed)
    view.wanted = growing.map(([at]) => at)
    if (recovered === false) missed(view, seq)
    for (const message of this.early.get(roomId) ?? []) this.received(message)
    this.early.delete(roomId)
  }

  left(roomId: string): void {
    this.rooms.delete(roomId)
    this.early.delete(roomId)
  }

  received(message: Message): void {
    const { type, roomId } = message
    if (type === 'message:stop') return this.stopped(message)
    const view = this.rooms.get(roomId)
    if (!view) return this.cameEarly(message)
    if (type === 'reset') return this.reset(view, message)
    if (type === 'message:new' || type === 'chat:message') this.text(view, message)
    else if (type === 'message:piece') this.piece(view, message)
    else if (type === 'message:ended') this.ended(view, message)
  }

  deed(what: string, roomId: string, pick: number): void {
    const { host } = this
    const mine = this.writings.filter((writing) => writing.roomId === roomId && !writing.isOver && !writing.ending)
    const writing = mine[pick % mine.length]
    switch (what) {
      case 'begin':
        return this.begin(roomId, pick % 2 === 0 ? this.nextPiece() : '')
      case 'append':
        if (writing) this.append(writing, this.nextPiece())
        return
      case 'append wrongly':
        return this.appendWrongly(roomId, pick)
      case 'complete':
      case 'cancel':
        if (writing) {
          writing.ending = `message:${what}`
          this.send(writing)
        }
        return
      case 'stop':
      case 'all: stop':
        return this.stop(roomId, pick)
      case 'ask':
        return this.askModel({ roomId, key: `${host.name}-asks-in-${roomId}-${this.asked.length}` })
      case 'ask again': {
        const asked = this.asked[pick % this.asked.length]
        return asked && this.askModel(asked)
      }
      default:
        throw new Error(`There is no deed ${what}`)
    }
  }

  ask(): void {
    // What is compared was received.
  }

  *problems(roomId: string): Iterable<string> {
    const { host } = this
    const view = this.rooms.get(roomId)
    if (!view) return
    const { texts, first } = host.truth(roomId)
    for (const [seq, { text, state }] of texts) {
      if (seq < first) continue
      const seen = view.texts.get(seq)
      const what = `the message ${seq} of ${roomId}`
      if (state === undefined) yield `${what} has no end, though its writers are gone`
      else if (!seen) {
        if (view.wanted.includes(seq) || seq >= view.from)
          yield `${what} grew when ${host.name} was there, who has nothing of it`
      } else if (seen.isUnsure) continue
      else if (seen.text !== text) yield `${what} is ${short(text)}; ${host.name} has ${short(seen.text)}`
      else if (seen.state !== state) yield `${what} is ${state}; for ${host.name} it is ${seen.state ?? 'not over'}`
    }
  }

  logCut(): void {
    this.cuts++
    // What it wrote may be gone, and the number that of another.
    for (const writing of this.writings) writing.isOver = true
    this.stops.clear()
  }

  private begin(roomId: string, content: string): void {
    const { host, cuts } = this
    host.request('message:stream', { roomId, ...(content === '' ? {} : { content }) }, (answer) => {
      if (!answer || cuts !== this.cuts) return
      const { seq } = answer
      const { length } = content
      this.writings.push({ roomId, seq, length, pending: '', isSending: false, ending: undefined, isOver: false })
    })
  }

  private append(writing: Writing, text: string): void {
    writing.pending += text
    this.send(writing)
  }

  /** One piece at a time: the next is behind what the answer says. */
  private send(writing: Writing): void {
    const { host } = this
    if (writing.isSending || writing.isOver) return
    const { roomId, seq, pending, length } = writing
    if (pending === '') return writing.ending ? this.end(writing, writing.ending) : undefined
    writing.isSending = true
    writing.pending = ''
    host.request('message:append', { roomId, seq, at: length, text: pending }, (answer, error) => {
      writing.isSending = false
      if (writing.isOver) return
      if (answer) {
        const { text = '' } = host.truth(roomId).texts.get(seq) ?? {}
        if (answer.length !== length + pending.length)
          host.violate(
            `${host.name} appended up to ${length + pending.length} of ${seq}, and is answered ${answer.length}`,
          )
        if (text.slice(length, answer.length) !== pending)
          host.violate(`${host.name} was answered that ${short(pending)} is stored in ${seq}, which is ${short(text)}`)
        writing.length = answer.length
        this.send(writing)
      } else if (error) this.isOver(writing, error, pending)
    })
  }

  private end(writing: Writing, event: 'message:complete' | 'message:cancel'): void {
    const { host } = this
    const { roomId, seq, length } = writing
    writing.isSending = true
    host.request(event, { roomId, seq }, (answer, error) => {
      if (writing.isOver) return
      writing.isOver = true
      const text = host.truth(roomId).texts.get(seq)
      if (answer && (text?.text.length !== length || answer.length !== length))
        host.violate(
          `${host.name} ended ${seq} with ${length}, is answered ${answer.length}, and it has ${text?.text.length}`,
        )
      if (answer && text?.state !== (event === 'message:complete' ? 'complete' : 'cancelled'))
        host.violate(`${host.name} sent ${event} of ${seq}, and it is ${text?.state}`)
      if (error) host.note(`is refused ${event} of ${seq}: ${error.code}`)
    })
  }

  private isOver(writing: Writing, error: Message, pending: string): void {
    const { host } = this
    const { roomId, seq, length } = writing
    writing.isOver = true
    host.note(`is refused a piece of ${seq}: ${error.code}`)
    const text = host.truth(roomId).texts.get(seq)
    if (error.code !== 'CONFLICT' || !text) return
    if (text.state === undefined)
      host.violate(`${host.name} is refused ${short(pending)} at ${length} of ${seq}, which has ${text.text.length}`)
  }

  /** At a place that it has not, or of another's message: the text stays as it is. */
  private appendWrongly(roomId: string, pick: number): void {
    const { host } = this
    const texts = [...(this.rooms.get(roomId)?.texts ?? [])]
    const [seq, view] = texts[pick % texts.length] ?? []
    if (seq === undefined || !view || !host.isIn(roomId)) return
    const at = view.text.length + (pick % 3 === 0 || view.text.length < 3 ? 7 : -3)
    host.try('message:append', { roomId, seq, at, text: '!wrong!' })
  }

  private stop(roomId: string, pick: number): void {
    const { host, cuts } = this
    const growing = [...(this.rooms.get(roomId)?.texts ?? [])].filter(([, { state }]) => state === undefined)
    const [seq] = growing[pick % growing.length] ?? []
    if (seq === undefined || !host.isIn(roomId)) return
    host.request('message:stop', { roomId, seq }, (answer) => {
      if (!answer || cuts !== this.cuts) return
      const text = host.truth(roomId).texts.get(seq)
      if (text?.state !== answer.state || text?.text.length !== answer.length)
        host.violate(
          `${host.name} stopped ${seq}, is answered ${answer.state} with ${answer.length}, and it is ${text?.state}`,
        )
    })
  }

  private askModel(asked: { roomId: string; key: string }): void {
    if (!this.host.isIn(asked.roomId)) return
    if (!this.asked.includes(asked)) this.asked.push(asked)
    this.host.try(MODEL, asked)
  }

  private stopped({ roomId, seq, userId }: Message): void {
    const { host } = this
    const name = `${roomId}#${seq}`
    const text = host.truth(roomId).texts.get(seq)
    if (text?.state !== 'cancelled' || text.by !== userId)
      host.violate(
        `${host.name} gets that ${userId} stopped ${name}, and it is ${text?.state} by ${text?.by ?? 'its writer'}`,
      )
    if (this.stops.has(name)) host.violate(`${host.name} gets twice that ${name} was stopped`)
    this.stops.add(name)
  }

  private cameEarly(message: Message): void {
    const known = this.early.get(message.roomId)
    if (known) known.push(message)
    else if (message.isRepeat && message.type === 'message:new') this.early.set(message.roomId, [message])
  }

  private reset(view: RoomView, { epoch, from, to }: Message): void {
    if (epoch !== undefined) view.texts.clear()
    if (epoch !== undefined) view.epoch = epoch
    view.wanted = []
    missed(view, Math.max(from - 1, to))
  }

  private text(view: RoomView, { roomId, seq, content, streaming, state }: Message): void {
    if (typeof content !== 'string' || (streaming !== true && state === undefined)) return
    view.texts.set(seq, { text: content, state: streaming ? undefined : state, isUnsure: false })
    this.check(view, roomId, seq)
  }

  private piece(view: RoomView, { roomId, seq, at, text }: Message): void {
    const { host } = this
    const known = view.texts.get(seq)
    if (!known) return host.violate(`${host.name} gets a piece of ${roomId}#${seq}, and not its beginning`)
    if (known.state !== undefined)
      host.violate(`${host.name} gets a piece of ${roomId}#${seq}, which is ${known.state}`)
    if (known.text.length !== at)
      host.violate(`${host.name} has ${known.text.length} of ${roomId}#${seq}, and gets a piece at ${at}`)
    known.text += text
    this.check(view, roomId, seq)
  }

  private ended(view: RoomView, { roomId, target, state, length }: Message): void {
    const { host } = this
    const known = view.texts.get(target)
    if (!known) return
    if (known.text.length !== length)
      host.violate(`${host.name} has ${known.text.length} of ${roomId}#${target}, which ended with ${length}`)
    known.state = state
  }

  private check(view: RoomView, roomId: string, seq: number): void {
    const { host } = this
    const { text = '', state } = view.texts.get(seq) ?? {}
    const stored = host.truth(roomId).texts.get(seq)
    const isPrefix = stored?.text.startsWith(text) ?? false
    if (!isPrefix || (state !== undefined && stored?.text !== text))
      host.violate(
        `${host.name} has ${short(text)} of ${roomId}#${seq}, which is ${short(stored?.text ?? 'not there')}`,
      )
  }

  private nextPiece(): string {
    return `${this.host.name}${++this.pieces} `
  }
}

/** There was a gap up to this number. */
function missed(view: RoomView, upTo: number): void {
  view.from = upTo + 1
  for (const text of view.texts.values()) text.isUnsure ||= text.state === undefined
}

function short(text: string): string {
  return text.length <= 60 ? `"${text}"` : `"${text.slice(0, 20)}…${text.slice(-30)}" (${text.length})`
}
