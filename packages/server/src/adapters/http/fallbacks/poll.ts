/** `GET /poll/<namespace>?room=a&after=<cursor>&wait=25`: rooms by long polls, or with `wait=0` by short ones. PROTOCOL.md 16; B9, B10. */
import { CLOSE_CODES } from '@roomful/protocol'
import { addressGroup, isLoopback } from '../../../core/base/addresses.ts'
import { RoomfulError } from '../../../core/base/errors.ts'
import type { HttpClient } from '../../../core/http-connection.ts'
import type { Hub } from '../../../core/hub.ts'
import type { Namespace } from '../../../core/namespace.ts'
import type { Connection } from '../../../core/state/namespace-state.ts'
import { type Exchange, wholeNumber } from '../exchange.ts'
import { PollSeat, pollDialect, type SeatEnds } from './poll-wire.ts'
import { cursorOf, namespaceOf, roomsOf, visitorOf } from './visitor.ts'

/** Shorter than what proxies allow. */
const WAIT_MAX_S = 25
/** Asking for more is no mistake, only not granted. */
const WAIT_ASKED_MAX_S = 86_400
/** Polls that wait and leases that run; above it a poll is refused with UNAVAILABLE. */
const SEATS_MAX = 20_000
/** Of them, those of one user, or of the guests of one address. */
const SEATS_PER_OWNER = 500
/** Of one user, or of a guest's address: as many as joins on a connection. */
const POLLS_PER_SECOND = 50

interface Taken {
  readonly seat: PollSeat
  readonly connection: Connection
}

export class Polls {
  private readonly hub: Hub
  private readonly seatsMax: number
  /** Every seat with its connection, once that is let in. */
  private readonly seats = new Map<PollSeat, Connection | undefined>()
  /** Seats between two polls, by who polls what. */
  private readonly idle = new Map<string, PollSeat[]>()
  /** How many seats a user has, or the guests of an address. */
  private readonly owned = new Map<string, number>()
  private readonly ends: SeatEnds = {
    onIdle: (seat) => this.idle.set(seat.key, [...(this.idle.get(seat.key) ?? []), seat]),
    onGone: (seat) => {
      if (this.seats.delete(seat)) this.disown(seat.owner)
      this.forgetIdle(seat)
    },
  }

  constructor(hub: Hub, seatsMax: number = SEATS_MAX) {
    this.hub = hub
    this.seatsMax = seatsMax
  }

  async answer(exchange: Exchange): Promise<void> {
    const { query, response } = exchange
    const namespace = namespaceOf(this.hub, exchange)
    const rooms = roomsOf(exchange)
    const cursor = cursorOf(query.get('after') ?? undefined)
    const asked = query.get('wait')
    const wait = asked === null ? WAIT_MAX_S : wholeNumber('wait', asked, { maximum: WAIT_ASKED_MAX_S })
    // Without a position there is nothing to wait for but a position.
    const waitMs = cursor === undefined ? 0 : Math.min(wait, WAIT_MAX_S) * 1_000
    const { seat, connection } = await this.sit(namespace, visitorOf(exchange), rooms, cursor === undefined)
    try {
      if (response.destroyed) throw new RoomfulError('UNAVAILABLE', 'The client is gone')
      await this.hub.httpConnections.join(connection, rooms, cursor, (entered) =>
        seat.park(response, entered.cursor, waitMs),
      )
    } catch (error) {
      connection.link.close(CLOSE_CODES.POLICY.code, 'Refused')
      throw error
    }
    seat.start()
  }

  /** The seat that the last poll left, or another one. */
  private async sit(
    namespace: Namespace,
    visitor: HttpClient,
    rooms: readonly string[],
    isFirst: boolean,
  ): Promise<Taken> {
    const { hub } = this
    const { ip, userAgent, credentials } = visitor
    const { token, ticket, name } = credentials
    const isGuest = token === undefined && ticket === undefined
    const stream = JSON.stringify([namespace.name, ...rooms])
    // A guest's only sign is where the polls come from.
    const identity = isGuest ? undefined : await hub.httpConnections.identify(namespace, { ...visitor, stream })
    const who = identity ? [identity.user, identity.expiresAt] : [name, userAgent]
    const key = JSON.stringify([stream, ip, who])
    this.takeRate(identity?.user.sub ?? addressGroup(ip))
    const left = this.takeIdle(key)
    if (left && !isFirst) return left
    // Who begins anew has nothing to go on from.
    left?.connection.link.close(CLOSE_CODES.NORMAL.code, '')
    const known = identity ?? (await hub.httpConnections.identify(namespace, visitor))
    const owner = identity?.user.sub ?? `\u0000${addressGroup(ip)}`
    const isShared = isGuest && isLoopback(ip) // perhaps a proxy: not one client's address
    if (this.seats.size >= this.seatsMax || (!isShared && (this.owned.get(owner) ?? 0) >= SEATS_PER_OWNER)) {
      throw new RoomfulError('UNAVAILABLE', 'Too many polls are waiting; try again later', { retryAfterMs: 5_000 })
    }
    const seat = new PollSeat(hub, key, owner, this.ends)
    this.seats.set(seat, undefined)
    this.owned.set(owner, (this.owned.get(owner) ?? 0) + 1)
    const arrival = {
      wire: seat,
      dialect: pollDialect,
      ip,
      userAgent,
      namespace,
      credentials,
      identity: known,
    } as const
    const connection = await hub.httpConnections.enter({ ...arrival, visit: 'stay' }, (link) => seat.attach(link))
    if (this.seats.has(seat)) this.seats.set(seat, connection) // unless it is gone meanwhile
    return { seat, connection }
  }

  private disown(owner: string): void {
    const left = (this.owned.get(owner) ?? 1) - 1
    if (left > 0) this.owned.set(owner, left)
    else this.owned.delete(owner)
  }

  private takeIdle(key: string): Taken | undefined {
    const seat = this.idle.get(key)?.[0]
    const connection = seat && this.seats.get(seat)
    if (!seat || !connection) return undefined
    this.forgetIdle(seat)
    seat.take()
    return { seat, connection }
  }

  private forgetIdle(seat: PollSeat): void {
    const left = (this.idle.get(seat.key) ?? []).filter((each) => each !== seat)
    if (left.length > 0) this.idle.set(seat.key, left)
    else this.idle.delete(seat.key)
  }

  private takeRate(who: string): void {
    const { settings, limiter, observer } = this.hub.runtime
    if (settings.ratePerSecond === 0) return
    const retryAfterMs = limiter.take(`\u0000poll ${who}`, POLLS_PER_SECOND, 1_000)
    if (retryAfterMs === 0) return
    observer.observe({ type: 'rate-limited', scope: 'join' })
    throw new RoomfulError('RATE_LIMITED', `Rate limit exceeded: ${POLLS_PER_SECOND} polls a second`, { retryAfterMs })
  }
}
