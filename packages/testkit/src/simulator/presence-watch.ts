/** Notices users who are announced as gone although they are not: a node lives, and another one cleared up after it. G6. */
import type { Broker, PresenceDiff } from '@roomful/server/ports'
import { parseFrames, parseMessage } from '@roomful/server/testing'
import type { VirtualClock } from '../clock.ts'
import type { Machine } from './machine.ts'

/** How long a user must have been there, with nothing wrong on the way, for a `gone` to be a mistake. */
const SETTLED_MS = 3_000
/** A lease, the time until another node notices that it is over, and until the node has stated everything again. */
const AFTER_FAULT_MS = 16_000

export interface PresenceWatchOptions {
  readonly clock: VirtualClock
  readonly namespace: string
  readonly machines: () => readonly Machine[]
  readonly onProblem: (problem: string) => void
}

export class PresenceWatch {
  private readonly options: PresenceWatchOptions
  /** Since when a user has been in a room on a machine, as it was looked at. */
  private seats = new Map<string, number>()
  private readonly faultAt = new Map<Machine, number>()
  private lossAt = -AFTER_FAULT_MS

  constructor(options: PresenceWatchOptions) {
    this.options = options
  }

  /** Its lease may end, or Redis may have lost what it said. */
  noteFault(machine: Machine, forMs = 0): void {
    this.faultAt.set(machine, this.options.clock.monotonic() + forMs)
  }

  /** Redis lost something: also that a user of a node that has ended since is expected back. */
  noteLoss(): void {
    this.lossAt = this.options.clock.monotonic()
  }

  look(): void {
    const now = this.options.clock.monotonic()
    const seats = new Map<string, number>()
    for (const [index, machine] of this.options.machines().entries()) {
      for (const room of machine.server?.get(this.options.namespace).state.rooms.values() ?? []) {
        for (const [user, { connections }] of room.seats) {
          const name = `${index} ${room.id} ${user}`
          if (connections > 0) seats.set(name, this.seats.get(name) ?? now)
        }
      }
    }
    this.seats = seats
  }

  /** The same broker, with what it says of presence looked at. */
  tap(machine: Machine, broker: Broker): Broker {
    return {
      ...broker,
      listen: (listener) => {
        const watched = Object.create(listener) as typeof listener
        watched.onPresence = (name, diff) => {
          if (name === this.options.namespace) this.checkExpected(machine, diff)
          listener.onPresence(name, diff)
        }
        broker.listen(watched)
      },
    }
  }

  /** A user is gone when Redis says so: a node that was suspended receives that much later. */
  onPublish(channel: string, message: string): void {
    if (!channel.startsWith(`{roomful:${this.options.namespace}}:mb:`)) return
    for (const frame of parseFrames(parseMessage(message).frames)) {
      if (frame.kind === 'presence') this.checkGone(frame.body as PresenceDiff)
    }
  }

  /** As a node knew the room before. */
  private checkExpected({ server }: Machine, { roomId, changes }: PresenceDiff): void {
    const { clock, namespace, onProblem } = this.options
    if (clock.monotonic() - this.lossAt < AFTER_FAULT_MS) return
    for (const { user, state, reason } of changes) {
      if (state !== 'gone' || reason !== 'node') continue
      if (server?.get(namespace).state.rooms.get(roomId)?.users.get(user.sub)?.isAway)
        onProblem(`${user.sub} is expected back in ${roomId}, and announced as gone`)
    }
  }

  private checkGone({ roomId, changes }: PresenceDiff): void {
    const { clock, namespace, onProblem } = this.options
    const now = clock.monotonic()
    for (const { user, state, reason } of changes) {
      if (state !== 'gone') continue
      for (const [index, machine] of this.options.machines().entries()) {
        const since = this.seats.get(`${index} ${roomId} ${user.sub}`)
        const seat = machine.server?.get(namespace).state.rooms.get(roomId)?.seats.get(user.sub)
        const isSettled = since !== undefined && now - since > SETTLED_MS && (seat?.connections ?? 0) > 0
        const hadFault = machine.stands || now - (this.faultAt.get(machine) ?? -AFTER_FAULT_MS) < AFTER_FAULT_MS
        if (isSettled && !hadFault)
          onProblem(`${user.sub} is in ${roomId} on node ${index}, and announced as gone (${reason})`)
      }
    }
  }
}
