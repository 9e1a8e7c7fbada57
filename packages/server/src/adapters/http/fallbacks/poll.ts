/** `GET /poll/<namespace>?room=a&after=<cursor>&wait=25`: rooms by long polls, or with `wait=0` by short ones. PROTOCOL.md, section 16. */
import { CLOSE_CODES } from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import { addressGroup, isLoopback } from '../../../core/base/limits.ts'
import type { HttpClient } from '../../../core/http-connection.ts'
import type { Hub } from '../../../core/hub.ts'
import type { Namespace } from '../../../core/namespace.ts'
import type { SharedGuests } from '../../../core/ports/guests.ts'
import type { User } from '../../../core/ports/users.ts'
import type { Verified } from '../../../core/sessions/identities.ts'
import type { Connection } from '../../../core/state/namespace-state.ts'
import { type Exchange, wholeNumber } from '../exchange.ts'
import { cursorOf, flowOf, httpClientOf, namespaceOf, roomsOf } from './http-client.ts'
import { LEASE_MS, PollWire, type PollWireEvents, pollDialect } from './poll-wire.ts'

/** Shorter than the time-outs of proxies. */
const WAIT_MAX_S = 25
/** A longer wait is accepted and shortened to {@link WAIT_MAX_S}. */
const WAIT_ASKED_MAX_S = 86_400
/** Pollers with a waiting poll or a lease. Above this a poll is refused with UNAVAILABLE. */
const POLLERS_MAX = 20_000
/** Pollers of one user, or of the guests of one address. */
const POLLERS_PER_OWNER = 500
/** Per user, or per address for guests; the same as the limit for joins on a connection. */
const POLLS_PER_SECOND = 50

/** A poller that stays in its rooms between two polls. */
interface Poller {
  readonly wire: PollWire
  readonly connection: Connection
}

export class Polls {
  private readonly hub: Hub
  private readonly pollersMax: number
  /** Every poller's wire, with its connection once that is open. */
  private readonly pollers = new Map<PollWire, Connection | undefined>()
  /** Wires between two polls, by poller and rooms. */
  private readonly idle = new Map<string, PollWire[]>()
  /** Number of pollers of each user, or of the guests of each address. */
  private readonly owned = new Map<string, number>()
  private readonly ends: PollWireEvents = {
    onIdle: (wire) => {
      this.idle.set(wire.key, [...(this.idle.get(wire.key) ?? []), wire])
      this.onGuest(wire, (guests, name, user) => guests.keepPoller(name, wire.key, user, LEASE_MS))
    },
    onGone: (wire) => {
      if (this.pollers.delete(wire)) this.disown(wire.owner)
      this.forgetIdle(wire)
    },
  }

  constructor(hub: Hub, pollersMax: number = POLLERS_MAX) {
    this.hub = hub
    this.pollersMax = pollersMax
  }

  async answer(exchange: Exchange): Promise<void> {
    const { query, response } = exchange
    const namespace = namespaceOf(this.hub, exchange)
    const rooms = roomsOf(exchange)
    const cursor = cursorOf(query.get('after') ?? undefined)
    const flow = flowOf(exchange)
    const asked = query.get('wait')
    const wait = asked === null ? WAIT_MAX_S : wholeNumber('wait', asked, { maximum: WAIT_ASKED_MAX_S })
    // Without a cursor the answer is only the current cursor, so it comes at once.
    const waitMs = cursor === undefined ? 0 : Math.min(wait, WAIT_MAX_S) * 1_000
    const { wire, connection } = await this.findOrOpen(namespace, httpClientOf(exchange), rooms, cursor === undefined)
    try {
      if (response.destroyed) throw new RoomfulError('UNAVAILABLE', 'The client is gone')
      await this.hub.httpConnections.join(connection, rooms, cursor, flow, (entered) =>
        wire.park(response, entered.cursor, waitMs),
      )
    } catch (error) {
      connection.link.close(CLOSE_CODES.POLICY.code, 'Refused')
      throw error
    }
    wire.start()
  }

  /** The wire that the previous poll left, or a new one. */
  private async findOrOpen(
    namespace: Namespace,
    client: HttpClient,
    rooms: readonly string[],
    isFirst: boolean,
  ): Promise<Poller> {
    const { hub } = this
    const { ip, userAgent, credentials } = client
    const { token, ticket, name } = credentials
    const hasNoProof = token === undefined && ticket === undefined
    const stream = JSON.stringify([namespace.name, ...rooms])
    // Guests have no id of their own between polls: they are recognised by their address, name and user agent.
    const identity = await (hasNoProof
      ? hub.httpConnections.recognise(namespace, client)
      : hub.httpConnections.identify(namespace, { ...client, stream }))
    const who = identity ? [identity.user, identity.expiresAt] : [name, userAgent]
    const key = JSON.stringify([stream, ip, who])
    this.takeRate(identity?.user.sub ?? addressGroup(ip))
    const idle = this.takeIdle(key)
    if (idle) this.onGuest(idle.wire, (guests, of, user) => guests.dropPoller(of, key, user))
    if (idle && !isFirst) {
      if (identity === undefined) hub.httpConnections.guestStays(idle.connection)
      return idle
    }
    // A first poll starts again, so it does not take over what an earlier one left.
    idle?.connection.link.close(CLOSE_CODES.NORMAL.code, '')
    const known = identity ?? (await this.guestOf(namespace, client, isFirst ? undefined : key))
    const owner = identity?.user.sub ?? `\u0000${addressGroup(ip)}`
    const isShared = identity === undefined && isLoopback(ip) // may be a proxy that all guests come through
    if (this.pollers.size >= this.pollersMax || (!isShared && (this.owned.get(owner) ?? 0) >= POLLERS_PER_OWNER)) {
      throw new RoomfulError('UNAVAILABLE', 'Too many polls are waiting; try again later', { retryAfterMs: 5_000 })
    }
    const wire = new PollWire(hub, key, owner, this.ends)
    this.pollers.set(wire, undefined)
    this.owned.set(owner, (this.owned.get(owner) ?? 0) + 1)
    const arrival = {
      wire,
      dialect: pollDialect,
      ip,
      userAgent,
      openingRequest: client.openingRequest,
      namespace,
      credentials,
      identity: known,
    } as const
    const connection = await hub.httpConnections.enter({ ...arrival, httpMode: 'stream' }, (link) => wire.attach(link))
    if (this.pollers.has(wire)) this.pollers.set(wire, connection) // it may have closed meanwhile
    return { wire, connection }
  }

  /** A guest whose last poll came to another node is the same one here. */
  private async guestOf(namespace: Namespace, client: HttpClient, key: string | undefined): Promise<Verified> {
    const { runtime, httpConnections } = this.hub
    const poller = key === undefined ? undefined : await runtime.broker.guests?.takePoller(namespace.name, key)
    return poller ? httpConnections.returningGuest(namespace, poller) : httpConnections.identify(namespace, client)
  }

  /** Where several nodes share guests. */
  private onGuest(wire: PollWire, run: (guests: SharedGuests, namespace: string, user: User) => void): void {
    const connection = this.pollers.get(wire)
    const { guests } = this.hub.runtime.broker
    if (guests && connection?.user.guest) run(guests, connection.namespace.name, connection.user)
  }

  private disown(owner: string): void {
    const left = (this.owned.get(owner) ?? 1) - 1
    if (left > 0) this.owned.set(owner, left)
    else this.owned.delete(owner)
  }

  private takeIdle(key: string): Poller | undefined {
    const wire = this.idle.get(key)?.[0]
    const connection = wire && this.pollers.get(wire)
    if (!wire || !connection) return undefined
    this.forgetIdle(wire)
    wire.takeOver()
    return { wire, connection }
  }

  private forgetIdle(wire: PollWire): void {
    const left = (this.idle.get(wire.key) ?? []).filter((each) => each !== wire)
    if (left.length > 0) this.idle.set(wire.key, left)
    else this.idle.delete(wire.key)
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
