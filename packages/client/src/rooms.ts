/**
 * All memberships of a client: one per room however many hold it, joined again together after a reconnect. Also decides
 * which events concern a room, and which were told before. A room that only the server put us into (an inbox, a game) has
 * a membership too, so that nothing of it is lost or told twice across a reconnect.
 */
import { isPersonalRoom } from '@roomful/protocol'
import type { Environment } from './environment.ts'
import { RoomfulError } from './errors.ts'
import type { ReceivedEvent } from './frames.ts'
import { Membership } from './membership.ts'
import type { Requests } from './requests.ts'
import type { Standing } from './standing.ts'
import type { JoinReply, Reset } from './vocabulary.ts'

/** A room that is let go is left after this long, so that a page that mounts twice, or navigates back, joins once. */
const LINGER_MS = 100
/** Rooms that only the server put us into and that are followed; beyond, their events pass unnumbered. */
const MAX_FOLLOWED = 200

export class Rooms {
  readonly #environment: Environment
  readonly #requests: Requests
  readonly #memberships = new Map<string, Membership>()
  readonly #lingering = new Map<Membership, () => void>()
  /** Rooms whose leaving was not answered on this connection: what still comes of them is not for us, and puts us nowhere. */
  readonly #leaving = new Map<string, object>()

  constructor(environment: Environment, requests: Requests) {
    this.#environment = environment
    this.#requests = requests
  }

  /** @returns the membership, held once more; `release` lets it go */
  hold(roomId: string, standing?: Standing): Membership {
    const membership = this.#memberships.get(roomId) ?? this.#add(roomId, standing)
    this.#lingering.get(membership)?.()
    this.#lingering.delete(membership)
    membership.holders++
    if (membership.holders === 1 && membership.getSnapshot().status !== 'joined') membership.join()
    return membership
  }

  release(membership: Membership): void {
    membership.holders--
    if (membership.holders > 0 || this.#memberships.get(membership.roomId) !== membership) return
    if (membership.isPlaced) return // the server put us there, and takes us out
    this.#lingering.set(
      membership,
      this.#environment.clock.after(LINGER_MS, () => this.#leave(membership)),
    )
  }

  /** @param recovered the server kept our session, and with it the rooms that it put us into */
  handleOpen(recovered: boolean): void {
    this.#leaving.clear()
    for (const membership of [...this.#memberships.values()]) {
      membership.isPlaced &&= recovered // a new session may not be put there
      const { isRemoved, roomId } = membership
      const isHeld = membership.holders > 0 || this.#lingering.has(membership)
      const isWanted = isHeld || recovered || isPersonalRoom(roomId)
      if (isWanted && !isRemoved) membership.join()
      else if (!isHeld) this.#forget(membership)
    }
  }

  handleDown(): void {
    for (const membership of this.#memberships.values()) membership.handleDown()
  }

  /** The client is closed: rooms stay, and are joined again should it connect once more. */
  handleClosed(error: RoomfulError): void {
    for (const membership of this.#memberships.values()) membership.giveUp(error)
  }

  /** @returns false when the event was told before, has to wait for what is missing before it, or says nothing any more */
  handle(event: ReceivedEvent): boolean {
    const { seq, roomId = roomOf(event) } = event.meta
    if (roomId === undefined) return true
    const known = this.#memberships.get(roomId)
    if (!known && this.#leaving.has(roomId)) return false
    const isPlacing = event.event === 'room:joined'
    const membership = known ?? (seq === undefined && !isPlacing ? undefined : this.#follow(roomId))
    if (!membership) return true
    if (seq !== undefined && !membership.admit(seq)) return false
    if (event.meta.redacted) {
      membership.own.emit('redacted', event.meta)
      return false
    }
    const [data] = event.args
    if (event.event === 'reset') membership.reset(data as Reset)
    if (isPlacing) membership.place(data as JoinReply)
    if (event.event === 'room:left') membership.remove((data as { reason: string }).reason)
    if (event.event === 'notice') lost(membership, data as { code: string; message: string })
    membership.handle(event)
    return true
  }

  #follow(roomId: string): Membership | undefined {
    let followed = 0
    for (const { holders } of this.#memberships.values()) if (holders === 0) followed++
    return followed < MAX_FOLLOWED ? this.#add(roomId, undefined) : undefined
  }

  #add(roomId: string, standing: Standing | undefined): Membership {
    const membership = new Membership({ environment: this.#environment, requests: this.#requests, roomId, standing })
    this.#memberships.set(roomId, membership)
    return membership
  }

  #leave(membership: Membership): void {
    this.#lingering.delete(membership)
    this.#forget(membership)
    const { roomId } = membership
    const leaving = {}
    this.#leaving.set(roomId, leaving)
    // The next connection does not join it; the last one may still tell of it.
    if (this.#requests.reach !== 'now') return
    const onAnswer = (): void => {
      if (this.#leaving.get(roomId) === leaving) this.#leaving.delete(roomId)
    }
    // Whatever refuses it, the room stays left for us.
    this.#requests.call('room:leave', [{ roomId }], { onAnswer }).catch(this.#environment.tell)
  }

  #forget(membership: Membership): void {
    this.#memberships.delete(membership.roomId)
    membership.end(new RoomfulError('CLOSED', 'The room was released'))
  }
}

/** A changed role, or a ban, takes rooms away. D11. */
function lost(membership: Membership, { code, message }: { code: string; message: string }): void {
  if (code === 'FORBIDDEN' || code === 'BANNED') membership.lose(new RoomfulError(code, message))
}

/** Events of the room vocabulary that have no number name their room themselves. */
function roomOf({ args }: ReceivedEvent): string | undefined {
  const roomId = (args[0] as { roomId?: unknown } | null | undefined)?.roomId
  return typeof roomId === 'string' ? roomId : undefined
}
