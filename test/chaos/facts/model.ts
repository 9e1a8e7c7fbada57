/**
 * What a client knows of a room beside its log, by the rules of PROTOCOL.md alone: the state, who is there and what they say of
 * themselves, and messages that grow.
 */
import type { Message } from '../clients/subscriber.ts'

/** A hole in numbered changes, which the client has to mend. */
export type Hole = 'state' | 'presence'

/** A message in pieces as one client has it. */
export interface Growing {
  text: string
  state: string | undefined
}

export class Model {
  readonly state = new Map<string, { readonly value: unknown; readonly version: number }>()
  fv = -1
  /** What each user says of themselves. */
  readonly users = new Map<string, unknown>()
  pv = -1
  readonly messages = new Map<number, Growing>()
  /** Number of the latest durable event. */
  seq: number | undefined
  epoch: string | undefined
  private readonly wrong: (problem: string) => void
  private readonly onHole: (hole: Hole) => void

  constructor(wrong: (problem: string) => void, onHole: (hole: Hole) => void = () => undefined) {
    this.wrong = wrong
    this.onHole = onHole
  }

  /** The answer to a join. */
  joined({ facts, users, pv, epoch, seq, recovered }: Message): void {
    this.takeState(facts)
    this.takePresence({ users, pv })
    this.epoch = epoch
    if (this.seq === undefined || recovered === false) this.seq = seq
  }

  takeState({ fv, state, more }: Message): void {
    if (more) this.wrong('has more state than the run makes')
    if (fv < this.fv) return // it was asked for before the latest change
    this.fv = fv
    this.state.clear()
    for (const [name, entry] of Object.entries(state)) this.state.set(name, entry as never)
  }

  takePresence({ users, pv }: Message): void {
    if (pv < this.pv) return
    this.pv = pv
    this.users.clear()
    for (const { userId, state } of users) this.users.set(userId, state)
  }

  /** Forgets the numbers of presence and state, which another log counts from the beginning. */
  forget(): void {
    this.fv = -1
    this.pv = -1
  }

  take(type: string, message: Message): void {
    switch (type) {
      case 'message:new':
      case 'chat:message':
        this.began(message)
        break
      case 'message:piece':
        return this.grew(message)
      case 'message:ended':
        this.ended(message)
        break
      case 'state:changed':
        return this.stateChanged(message)
      case 'user:joined':
        return this.presenceChanged(message, message.pv - 1, () => this.users.set(message.userId, message.state))
      case 'user:left':
        return this.presenceChanged(message, message.pv - 1, () => this.users.delete(message.userId))
      case 'presence:diff':
        return this.presenceChanged(message, message.since, () => {
          for (const { userId, state } of [...message.joined, ...message.changed]) this.users.set(userId, state)
          for (const userId of message.left) this.users.delete(userId)
        })
      default:
        return
    }
    if (typeof message.seq === 'number') this.seq = Math.max(this.seq ?? 0, message.seq)
  }

  private began({ seq, content, state }: Message): void {
    const known = this.messages.get(seq)
    if (known && !String(content).startsWith(known.text))
      this.wrong(`has #${seq} as ${JSON.stringify(content.slice(-40))} after ${JSON.stringify(known.text.slice(-40))}`)
    this.messages.set(seq, { text: content, state: known?.state ?? state })
  }

  private grew({ seq, at, text }: Message): void {
    const message = this.messages.get(seq)
    if (!message) return this.wrong(`was sent a piece of #${seq}, of which it was not sent the beginning`)
    if (at !== message.text.length)
      return this.wrong(`was sent a piece of #${seq} at ${at}, and has ${message.text.length}`)
    if (message.state !== undefined) return this.wrong(`was sent a piece of #${seq}, which is ${message.state}`)
    message.text += text
  }

  private ended({ target, state, length }: Message): void {
    const message = this.messages.get(target)
    if (!message) return this.wrong(`was sent the end of #${target}, of which it was not sent the beginning`)
    if (message.state !== undefined && message.state !== state)
      this.wrong(`was sent that #${target} is ${state}, and before that it is ${message.state}`)
    message.state = state
    if (length !== message.text.length)
      this.wrong(`was sent that #${target} is ${state} at ${length}, and has ${message.text.length}`)
  }

  private stateChanged({ since, fv, name, value, deleted, version }: Message): void {
    if (fv <= this.fv) return
    if (since > this.fv) return this.onHole('state')
    this.fv = fv
    if (deleted) this.state.delete(name)
    else this.state.set(name, { value, version })
  }

  private presenceChanged({ pv }: Message, since: number, apply: () => void): void {
    if (pv <= this.pv) return
    if (since > this.pv) return this.onHole('presence')
    this.pv = pv
    apply()
  }
}
