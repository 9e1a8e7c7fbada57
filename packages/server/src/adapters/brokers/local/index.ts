/**
 * The broker of one machine: a log, and beside it what need not survive a restart, the seats. There are no other nodes, so
 * the listener hears of this one's batches only. Its methods do their work before they return, in the order of the calls.
 */
import { ERROR_CODES } from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import type { Append, Appended, Awaitable, Broker, BrokerListener, Claim } from '../../../core/ports/broker.ts'
import type { Clock } from '../../../core/ports/system.ts'
import { InOrder } from '../common/in-order.ts'
import type { Log } from './log.ts'
import { Seats } from './seats.ts'

export type { Log } from './log.ts'
export { createMemoryLog } from './memory/memory-log.ts'
export { openSqliteLog } from './sqlite/sqlite-log.ts'

export interface LocalBrokerOptions {
  readonly log: Log
  readonly clock: Clock
}

/** What a log did with a batch. */
interface Outcome {
  readonly results: readonly Appended[]
  readonly cause?: unknown
}

const BATCH_LIMITS = { appends: 10_000, underWay: 64 }
const NEW: Claim = { status: 'new' }
const UNAVAILABLE: Appended = {
  status: 'refused',
  code: 'UNAVAILABLE',
  message: ERROR_CODES.UNAVAILABLE.message,
}

export function createLocalBroker({ log, clock }: LocalBrokerOptions): Broker {
  const seats = new Seats()
  const outcomes = new Map<string, InOrder<Outcome>>()
  let listener: BrokerListener | undefined
  let closing: Promise<void> | undefined

  const checkOpen = (): void => {
    if (closing) throw new RoomfulError('UNAVAILABLE', 'The server is shutting down and stores nothing more')
  }
  /** What the core calls while it lets go of everything is no mistake, only too late. */
  const note = (run: () => void) => {
    if (!closing) run()
  }
  const ask = async <T>(question: () => Awaitable<T>): Promise<T> => {
    checkOpen()
    return question()
  }

  function store(namespace: string, appends: readonly Append[]): Awaitable<Outcome> {
    const failed = (cause: unknown): Outcome => ({ results: appends.map(() => UNAVAILABLE), cause })
    try {
      checkOpen()
      const results = appends.length === 0 ? [] : log.append(namespace, appends)
      return results instanceof Promise ? results.then((stored) => ({ results: stored }), failed) : { results }
    } catch (error) {
      return failed(error)
    }
  }

  function outcomesOf(namespace: string): InOrder<Outcome> {
    const known = outcomes.get(namespace)
    if (known) return known
    const made = new InOrder<Outcome>()
    outcomes.set(namespace, made)
    return made
  }

  return {
    open: (namespace) => ask(() => log.open(namespace)),
    batchLimits: BATCH_LIMITS,
    append: (namespace, { id, appends }) =>
      outcomesOf(namespace).add(store(namespace, appends), ({ results, cause }) =>
        listener?.onCommitted(namespace, id, results, cause),
      ),
    claim: (namespace, key) => {
      checkOpen()
      if (log.isNewKey(namespace, key)) return NEW
      const found = log.findKey(namespace, key)
      return found instanceof Promise ? found.then((claim) => claim ?? NEW) : (found ?? NEW)
    },
    endClaim: () => undefined, // within one node the core knows what runs
    saveAck: (namespace, key, ack) => note(() => log.saveAck(namespace, key, ack)),
    read: (namespace, after, limits) => ask(() => log.read(namespace, after, limits)),
    positions: (namespace, n, roomIds) => ask(() => log.positions(namespace, n, roomIds)),
    history: (namespace, roomId, page) => ask(() => log.history(namespace, roomId, page)),
    heads: (namespace, roomIds) => ask(() => log.heads(namespace, roomIds)),
    subscribe: (namespace, rooms) => ask(() => log.hold(namespace, rooms)),
    unsubscribe: (namespace, roomIds) => note(() => log.release(namespace, roomIds)),
    takeSeat: (namespace, roomId, userId, capacity) => ask(() => seats.take(namespace, roomId, userId, capacity)),
    freeSeat: (namespace, roomId, userId) => seats.free(namespace, roomId, userId),
    redact: (namespace, roomId, seq) => ask(() => log.redact(namespace, roomId, seq)),
    redactUser: (namespace, userId) => ask(() => log.redactUser(namespace, userId)),
    mark: (namespace, roomId) => ask(() => log.mark(namespace, roomId)),
    setMark: (namespace, roomId, seq) => note(() => log.setMark(namespace, roomId, seq)),
    saveSession: (session, ttlMs) => note(() => log.saveSession(session, clock.now() + ttlMs)),
    sessionsStored: () => ask(() => log.sessionsStored()),
    findSession: (namespace, id) => ask(() => log.findSession(namespace, id)),
    dropSession: (namespace, id) => note(() => log.dropSession(namespace, id)),
    saveReturning: (namespace, members) => ask(() => log.saveReturning(namespace, members)),
    takeReturning: (namespace) => ask(() => log.takeReturning(namespace)),
    listen: (given) => {
      listener = given
    },
    healthy: () => closing === undefined && log.healthy(),
    close: () => {
      closing ??= (async () => log.close())()
      return closing
    },
  }
}
