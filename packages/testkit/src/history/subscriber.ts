/**
 * What one client received of one room: each event once, in order, from where it entered, and nothing missing except in a
 * gap that was reported. G1, G4, D2.
 */
import type { ClientFact } from './fact.ts'

type In<What extends ClientFact['what']> = Extract<ClientFact, { what: What }>

/** A gap that was reported to a client; the log shows at the end whether it was real. */
export interface ReportedGap {
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
  /** Undefined while it is not in the room. */
  position: { epoch: string | undefined; seq: number } | undefined
  readonly gaps: ReportedGap[] = []
  /** Events up to here are replayed, later ones are live. */
  liveFrom = 0
  /** The log may be the same one without what came after this, where no node is left that knew it. */
  private cutAt = Number.POSITIVE_INFINITY

  constructor(who: string, room: string) {
    this.who = who
    this.room = room
  }

  enters({ epoch, seq }: In<'enters'>): void {
    this.position = { epoch, seq }
    this.liveFrom = seq
  }

  logWasCut(head = Number.POSITIVE_INFINITY): void {
    this.cutAt = Math.min(this.cutAt, head)
  }

  leaves(): void {
    this.position = undefined
  }

  /** @returns the problem with it, if there is one */
  resumes({ epoch, seq }: In<'resumes'>): string | undefined {
    const { position } = this
    if (!position) return `${this.at(seq)}: it resumes a room that it is not in`
    if (position.seq !== seq) return `${this.at(seq)}: it resumes there, but stands behind #${position.seq}`
    if (isOther(position.epoch, epoch)) return `${this.at(seq)}: recovered, although the log is another one`
    return undefined
  }

  gap({ epoch, reason, from, to }: In<'gap'>): string | undefined {
    const { who, room, position } = this
    if (!position) return `${this.at(from)}: a gap in a room that it is not in`
    const isAnother = isOther(position.epoch, epoch)
    const isAhead = position.seq > this.cutAt
    if (reason === 'epoch' && !isAnother && epoch !== undefined && !isAhead) {
      return `${this.at(from)}: reset to another log, although it is the same`
    }
    this.gaps.push({
      who,
      room,
      epoch: epoch ?? position.epoch,
      reason,
      from,
      to,
      after: isAnother || isAhead ? -1 : position.seq,
    })
    if (!isAnother && !isAhead && from <= position.seq) return `${this.at(from)}: reset to before #${position.seq}`
    this.position = { epoch: epoch ?? position.epoch, seq: from - 1 }
    this.liveFrom = isAnother || isAhead ? to : Math.max(this.liveFrom, to)
    return undefined
  }

  receives({ epoch, seq }: In<'receives'>): string | undefined {
    const { position } = this
    if (!position) return `${this.at(seq)}: received outside of the room`
    if (isOther(position.epoch, epoch)) {
      return `${this.at(seq)}: the log changed from ${position.epoch} to ${epoch} without a reset`
    }
    const last = position.seq
    this.position = { epoch: epoch ?? position.epoch, seq: Math.max(seq, last) }
    if (seq <= last) return `${this.at(seq)}: received again, or late: it was at #${last}`
    if (seq > last + 1) return `${this.at(seq)}: comes after #${last}; the events between are missing, without a reset`
    return undefined
  }

  private at(seq: number): string {
    return `${this.who} in ${this.room}#${seq}`
  }
}

function isOther(known: string | undefined, received: string | undefined): boolean {
  return known !== undefined && received !== undefined && known !== received
}
