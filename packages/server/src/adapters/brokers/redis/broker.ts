/**
 * The broker of many nodes, on Redis or Valkey. Each namespace has a connection of its own, so that in a Cluster each may
 * be on another server.
 */
import { RoomfulError } from '../../../core/base/errors.ts'
import type { Broker, BrokerListener, Refused } from '../../../core/ports/broker.ts'
import { ALONE } from '../../../core/ports/nodes.ts'
import type { Clock, Random } from '../../../core/ports/system.ts'
import { LOG_DEFAULTS, type LogLimits } from '../common/limits.ts'
import { ServerCheck } from './check.ts'
import { Claims } from './claims.ts'
import { openRedis, type Redis } from './client.ts'
import { GuestNames, sharedGuests } from './guests.ts'
import { Leases } from './leads.ts'
import { MemoryBound } from './memory.ts'
import { DEFAULT_PREFIX } from './names.ts'
import { inPages, NODE_ID_LENGTH, RedisNamespace, TIMINGS, type Timings } from './namespace.ts'
import { Presence, sharedPresence } from './presence.ts'
import { Questions } from './questions.ts'
import { LogReader } from './reader.ts'
import { Sessions } from './sessions.ts'

export interface RedisBrokerOptions extends Partial<LogLimits> {
  readonly url: string
  /** Before every key; several clusters of Roomful share one Redis by it. */
  readonly prefix?: string | undefined
  readonly clock: Clock
  readonly random: Random
  /** By which nodes see that they have the same secret, without it. Asked for when the broker is opened. */
  readonly secretDigest?: (() => string) | undefined
  /** Of a secret that is accepted too. */
  readonly otherSecretDigest?: string | undefined
  /** An acknowledged event must survive a power failure: Redis is asked whether it writes each one to disk. */
  readonly mustSync?: boolean | undefined
  /** How many replicas must have an event before it is acknowledged; 0 without it. */
  readonly replicas?: number | undefined
  /** Something that a person should know of. */
  readonly report: (message: string, isRisky: boolean) => void
  /** Redis was nearly full: so many events were removed. */
  readonly onFull?: ((events: number) => void) | undefined
  /** Another time than Redis' and other patience, for tests. */
  readonly time?: (() => number) | undefined
  /** Another Redis than that of `url`, for the simulator. */
  readonly redis?: (() => Promise<Redis>) | undefined
  readonly timings?: Partial<Timings> | undefined
}

/** Above it the connection is looked at as lost, so that a load balancer takes another node. */
const UNHEALTHY_MS = 3_000
const BATCH = { appends: 200, underWay: 4 }

interface Parts {
  readonly namespace: RedisNamespace
  readonly reader: LogReader
  readonly claims: Claims
  readonly sessions: Sessions
  readonly presence: Presence
  readonly guests: GuestNames
}

export interface RedisBroker extends Broker {
  /** What time takes, now: for tests. */
  tend(): Promise<void>
}

export function createRedisBroker(options: RedisBrokerOptions): RedisBroker {
  const { clock, random, url, time, prefix = DEFAULT_PREFIX } = options
  const limits: LogLimits = { ...LOG_DEFAULTS, ...options }
  const node = random.id(NODE_ID_LENGTH)
  const { mustSync = false, replicas = 0 } = options
  const check = new ServerCheck({ report: options.report, now: () => clock.now(), mustSync, replicas })
  const memory = new MemoryBound(options.report, (events) => options.onFull?.(events))
  const all = new Map<string, Parts>()
  let redis: Promise<Redis> | undefined
  let listener: BrokerListener | undefined
  let closing: Promise<void> | undefined
  let lastReport = ''

  /** Said once, until something else is wrong. */
  const onFailed = (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error)
    if (closing || message === lastReport) return
    lastReport = message
    options.report(`Redis does not do what it should, and is tried again: ${message}`, true)
  }
  const loadRedis = () => {
    redis ??= options.redis?.() ?? openRedis(url)
    return redis
  }
  let questions: Questions | undefined
  const asking = (): Questions => {
    questions ??= new Questions({
      redis: loadRedis,
      prefix,
      node,
      clock,
      secretDigest: options.secretDigest?.() ?? '',
      otherSecretDigest: options.otherSecretDigest ?? '',
      onAsk: (question) => listener?.onAsk(question),
      report: onFailed,
    })
    return questions
  }
  const of = (name: string): Parts => {
    const known = all.get(name)
    if (known) return known
    const namespace = new RedisNamespace({
      name,
      redis: loadRedis,
      prefix,
      node,
      clock,
      random,
      limits,
      time,
      timings: { ...TIMINGS, ...options.timings },
      replicas,
      listener: () => listener as BrokerListener,
      report: onFailed,
      check: (client) => check.run(client),
      onTended: (tended) => memory.tend(tended),
    })
    const parts = {
      namespace,
      reader: new LogReader(namespace),
      claims: new Claims(namespace, clock, onFailed),
      sessions: new Sessions(namespace, clock, onFailed),
      presence: new Presence(namespace, clock),
      guests: new GuestNames(namespace, clock),
    }
    all.set(name, parts)
    return parts
  }
  const ask = async <T>(namespace: string, question: (parts: Parts) => Promise<T>): Promise<T> => {
    if (closing) throw closedError()
    return question(of(namespace))
  }
  /** What the core calls while it lets go of everything is no mistake, only too late. */
  const tell = (namespace: string, note: (parts: Parts) => void) => {
    if (!closing) note(of(namespace))
  }

  const leads = new Leases({
    url,
    prefix,
    node,
    clock,
    raise: (name, fence) =>
      Promise.all(Array.from(all.values(), ({ namespace }) => namespace.ask('raiseFence', [name, String(fence)]))),
  })

  return {
    node,
    leads,
    isRemote: true,
    batchLimits: BATCH,
    listen: (given) => {
      listener = given
    },
    nodes: async () => (closing ? [] : asking().nodes()),
    ask: async (question, nodes) => (closing ? ALONE : asking().ask(question, nodes)),
    open: (namespace) =>
      ask(namespace, async (parts) => {
        const opened = await parts.namespace.open()
        await asking().start()
        return opened
      }),
    append(namespace, batch) {
      if (!closing) return of(namespace).namespace.append(batch)
      const error = closedError()
      const refused: Refused = { status: 'refused', code: 'UNAVAILABLE', message: error.message }
      listener?.onCommitted(namespace, batch.id, new Array<Refused>(batch.appends.length).fill(refused), error)
    },
    async take(namespace, scope, perMinute) {
      if (closing) throw closedError()
      if (namespace === undefined) return asking().take(scope, perMinute)
      const log = of(namespace).namespace
      return Number((await log.ask('take', [log.now, scope, String(perMinute)]))[0])
    },
    claim: (namespace, key) => ask(namespace, ({ claims }) => claims.claim(key)),
    endClaim: (namespace, key) => tell(namespace, ({ claims }) => claims.end(key)),
    saveAck: (namespace, key, ack) => tell(namespace, ({ claims }) => claims.saveAck(key, ack)),
    read: (namespace, after, most) => ask(namespace, ({ reader }) => reader.read(after, most)),
    positions: (namespace, n, roomIds) => ask(namespace, ({ reader }) => reader.positions(n, roomIds)),
    history: (namespace, roomId, page) => ask(namespace, ({ reader }) => reader.history(roomId, page)),
    state: (namespace, roomId) => ask(namespace, ({ reader }) => reader.state(roomId)),
    readPositions: (namespace, userId, roomIds) =>
      ask(namespace, ({ reader }) => reader.readPositions(userId, roomIds)),
    growing: (namespace, roomId) => ask(namespace, ({ reader }) => reader.growing(roomId)),
    heads: (namespace, roomIds) =>
      ask(namespace, async (parts) => {
        const pages = roomIds.length === 0 ? [[]] : inPages(roomIds)
        return (await Promise.all(pages.map((page) => parts.namespace.heads(page)))).flat()
      }),
    subscribe: (namespace, rooms) => ask(namespace, (parts) => parts.namespace.subscribe(rooms)),
    unsubscribe: (namespace, roomIds) => tell(namespace, (parts) => parts.namespace.unsubscribe(roomIds)),
    presence: sharedPresence((namespace) => {
      if (closing) throw closedError()
      return of(namespace).presence
    }),
    guests: sharedGuests((namespace) => (closing ? undefined : of(namespace).guests), closedError),
    redact: (namespace, roomId, seq, epoch) =>
      ask(
        namespace,
        async ({ reader }) => (await reader.redact(roomId, { from: seq, to: seq, epoch }, () => true)) > 0,
      ),
    redactUser: (namespace, userId) => ask(namespace, ({ reader }) => reader.redactUser(userId)),
    mark: (namespace, roomId) => ask(namespace, ({ sessions }) => sessions.mark(roomId)),
    setMark: (namespace, roomId, seq, epoch) => tell(namespace, ({ sessions }) => sessions.setMark(roomId, seq, epoch)),
    saveSession: (session, ttlMs) => tell(session.namespace, ({ sessions }) => sessions.save(session, ttlMs)),
    async sessionsStored() {
      if (closing) throw closedError()
      await Promise.all(Array.from(all.values(), ({ sessions }) => sessions.stored()))
    },
    findSession: (namespace, id) => ask(namespace, ({ sessions }) => sessions.find(id)),
    takeSession: (namespace, id, seen) => ask(namespace, ({ sessions }) => sessions.take(id, seen)),
    dropSession: (namespace, id, fence) => tell(namespace, ({ sessions }) => sessions.drop(id, fence)),
    async otherNodes() {
      const [first] = all.values()
      return first === undefined || closing ? 0 : first.namespace.otherNodes()
    },
    healthy() {
      if (closing) return false
      for (const { namespace } of all.values()) if (namespace.downMs > UNHEALTHY_MS) return false
      return true
    },
    async tend() {
      for (const { namespace } of all.values()) while (await namespace.tend());
    },
    close() {
      leads.close()
      closing ??= Promise.all([...Array.from(all.values(), closeParts), questions?.close()]).then(() => undefined)
      return closing
    },
  }
}

async function closeParts({ namespace, sessions, claims, presence, guests }: Parts): Promise<void> {
  guests.close()
  presence.flush()
  await Promise.allSettled([sessions.stored(), claims.settled()])
  await namespace.close()
}

function closedError(): RoomfulError {
  return new RoomfulError('UNAVAILABLE', 'The server is shutting down and stores nothing more')
}
