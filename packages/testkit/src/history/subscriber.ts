/**
 * What one client heard of one room: each event once, in order, from where it entered, and nothing missing that it was not
 * told of. G1, G4, D2.
 */
import type { ClientFact } from './fact.ts'

type In<What extends ClientFact['what']> = Extract<ClientFact, { what: What }>

/** A gap that a client was told of; whether it is a true one is seen in the log, at the end. */
export interface ToldGap {
  readonly who: string
  readonly room: string
  readonly epoch: string | undefined
  readonly reason: string
  /** Number of the last event before it. */
  readonly after: number
  readonly from: number
  readonly to: number
}

export class Subscriber {
  readonly who: string
  readonly room: string
  /** Where it stands; nowhere while it is not in the room. */
  position: { epoch: string | undefined; seq: number } | undefined
  readonly gaps: ToldGap[] = []
  /** Up to here it is told what it missed. */
  liveFrom = 0

  constructor(who: string, room: string) {
    this.who = who
    this.room = room
  }

  enters({ epoch, seq }: In<'enters'>): void {
    this.position = { epoch, seq }
    this.liveFrom = seq
  }

  leaves(): void {
    this.position = undefined
  }

  /** @returns what is wrong with it */
  resumes({ epoch, seq }: In<'resumes'>): string | undefined {
    const { position } = this
    if (!position) return `${this.at(seq)}: it resumes a room that it is not in`
    if (position.seq !== seq) return `${this.at(seq)}: it resumes there, but stands behind #${position.seq}`
    if (isOther(position.epoch, epoch)) return `${this.at(seq)}: recovered, although the log is another one`
    return undefined
  }

  gap({ epoch, reason, from, to }: In<'gap'>): string | undefined {
    const { who, room, position } = this
    if (!position) return `${this.at(from)}: told of a gap in a room that it is not in`
    const isAnother = isOther(position.epoch, epoch)
    if (reason === 'epoch' && !isAnother && epoch !== undefined) {
      return `${this.at(from)}: told of another log, and it is the same`
    }
    this.gaps.push({
      who,
      room,
      epoch: epoch ?? position.epoch,
      reason,
      from,
      to,
      after: isAnother ? -1 : position.seq,
    })
    if (!isAnother && from <= position.seq) return `${this.at(from)}: told to begin again before #${position.seq}`
    this.position = { epoch: epoch ?? position.epoch, seq: from - 1 }
    this.liveFrom = isAnother ? to : Math.max(this.liveFrom, to)
    return undefined
  }

  hears({ epoch, seq }: In<'hears'>): string | undefined {
    const { position } = this
    if (!position) return `${this.at(seq)}: heard outside of the room`
    if (isOther(position.epoch, epoch)) {
      return `${this.at(seq)}: the log changed from ${position.epoch} to ${epoch}, and it was not told`
    }
    const last = position.seq
    this.position = { epoch: epoch ?? position.epoch, seq: Math.max(seq, last) }
    if (seq <= last) return `${this.at(seq)}: heard again, or late: it was at #${last}`
    if (seq > last + 1)
      return `${this.at(seq)}: comes after #${last}; what lies between is missing, and it was not told`
    return undefined
  }

  private at(seq: number): string {
    return `${this.who} in ${this.room}#${seq}`
  }
}

function isOther(known: string | undefined, told: string | undefined): boolean {
  return known !== undefined && told !== undefined && known !== told
}
