/**
 * What a user does in a room, beside what is stored: keystrokes of this user become one `typing:start` every few seconds and a
 * `typing:stop` after a pause, the notices of other users become a list whose entries expire (B19), and presence data is sent
 * as often as the server allows. Loaded on demand.
 */
import type { Clock, Environment } from './environment.ts'
import { isPassing, type RoomfulError } from './errors.ts'
import type { ReceivedEvent } from './events.ts'
import type { Requests } from './requests.ts'
import type { PresenceState, Typist } from './types.ts'

/** Shorter than the 5 s after which the server ends it without another start. */
const REPEAT_MS = 3_000
/** B19: stop after 2 s without a keystroke. */
const PAUSE_MS = 2_000
/** A little longer than the server's own 5 s, for a `stop` that never came. */
const FORGET_MS = 6_000
/** More are not listed: a page cannot show so many names. */
const MAX_TYPISTS = 100
/** A user who posted a message, or left, is not writing any more. */
const STOPS = new Set(['user:stop-typing', 'user:left', 'message:new'])
/** Between two changes of presence data, where the server says nothing. */
const PRESENCE_INTERVAL_MS = 100

/** The room that it belongs to. */
export interface ActiveRoom {
  readonly roomId: string
  /** What this client says of itself in joins. */
  state: PresenceState | undefined
  getSnapshot(): { readonly status: string }
}

export class Activity {
  readonly #room: ActiveRoom
  readonly #environment: Environment
  readonly #requests: Requests
  readonly #typing: TypingSignal
  readonly #typists: Typists
  /** The server has it. */
  #accepted: PresenceState | undefined
  #isSending = false

  constructor(
    room: ActiveRoom,
    { environment, requests }: { environment: Environment; requests: Requests },
    onChange: () => void,
  ) {
    this.#room = room
    this.#environment = environment
    this.#requests = requests
    this.#accepted = room.state
    this.#typing = new TypingSignal(environment.clock, (event) => requests.emit(event, [{ roomId: room.roomId }]))
    this.#typists = new Typists(environment.clock, onChange)
  }

  /** Other users who are writing. */
  get typists(): readonly Typist[] {
    return this.#typists.list()
  }

  handle(event: ReceivedEvent): void {
    this.#typists.handle(event)
  }

  /** A keystroke of this user. */
  handleInput(): void {
    if (this.#isJoined) this.#typing.handleInput()
  }

  stopTyping(): void {
    this.#typing.stop()
  }

  /** The connection was lost, and all of it with it; the next join says the presence data again. */
  handleDown(): void {
    this.#typing.forget()
    this.#typists.clear()
  }

  setPresence(state: PresenceState): void {
    this.#room.state = state
    if (this.#isJoined && !this.#isSending) this.#sendPresence() // never rejects
  }

  get #isJoined(): boolean {
    return this.#room.getSnapshot().status === 'joined'
  }

  /** Sends the latest until the server has it, with what was set meanwhile left out. */
  async #sendPresence(): Promise<void> {
    const { clock, onError } = this.#environment
    this.#isSending = true
    const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))
    while (this.#isJoined && this.#room.state !== this.#accepted) {
      const { state } = this.#room
      const { roomId } = this.#room
      try {
        await this.#requests.call('presence:set', [{ roomId, state }])
        this.#accepted = state
        const { presencePerSecond = 0 } = this.#requests.limits
        await wait(presencePerSecond === 0 ? PRESENCE_INTERVAL_MS : 1_000 / presencePerSecond)
      } catch (thrown) {
        const error = thrown as RoomfulError // a request rejects with nothing else
        if (isPassing(error)) await wait(error.retryAfterMs ?? PRESENCE_INTERVAL_MS)
        else {
          onError(error)
          // A join with what was refused would be refused too.
          if (this.#room.state === state) this.#room.state = this.#accepted
        }
      }
    }
    this.#isSending = false
  }
}

class TypingSignal {
  readonly #clock: Clock
  readonly #emit: (event: 'typing:start' | 'typing:stop') => void
  #startedAtMs: number | undefined
  #cancelPause: (() => void) | undefined

  constructor(clock: Clock, emit: (event: 'typing:start' | 'typing:stop') => void) {
    this.#clock = clock
    this.#emit = emit
  }

  /** A keystroke. */
  handleInput(): void {
    const now = this.#clock.monotonic()
    if (this.#startedAtMs === undefined || now - this.#startedAtMs >= REPEAT_MS) {
      this.#startedAtMs = now
      this.#emit('typing:start')
    }
    this.#cancelPause?.()
    this.#cancelPause = this.#clock.after(PAUSE_MS, () => this.stop())
  }

  stop(): void {
    if (this.#startedAtMs === undefined) return
    this.forget()
    this.#emit('typing:stop')
  }

  /** Sends nothing: the connection was lost, and the notice with it. */
  forget(): void {
    this.#cancelPause?.()
    this.#cancelPause = undefined
    this.#startedAtMs = undefined
  }
}

class Typists {
  readonly #clock: Clock
  readonly #onChange: () => void
  readonly #entries = new Map<string, { typist: Typist; cancel: () => void }>()

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  list(): readonly Typist[] {
    return Array.from(this.#entries.values(), ({ typist }) => typist)
  }

  handle({ event, args }: ReceivedEvent): void {
    const { userId, name } = (args[0] ?? {}) as { userId?: string; name?: string }
    if (typeof userId !== 'string') return
    if (event === 'user:typing') this.#add({ userId, name: name ?? userId })
    else if (STOPS.has(event)) this.#remove(userId)
  }

  clear(): void {
    if (this.#entries.size === 0) return
    for (const { cancel } of this.#entries.values()) cancel()
    this.#entries.clear()
    this.#onChange()
  }

  #add({ userId, name }: Typist): void {
    const known = this.#entries.get(userId)
    if (!known && this.#entries.size >= MAX_TYPISTS) return
    known?.cancel()
    const cancel = this.#clock.after(FORGET_MS, () => this.#remove(userId))
    this.#entries.set(userId, { typist: { userId, name }, cancel })
    if (known?.typist.name !== name) this.#onChange()
  }

  #remove(userId: string): void {
    const known = this.#entries.get(userId)
    if (!known) return
    known.cancel()
    this.#entries.delete(userId)
    this.#onChange()
  }
}
