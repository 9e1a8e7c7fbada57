/**
 * The broker of one machine: a log, and beside it what need not survive a restart, the seats. There are no other nodes, so
 * nobody ever calls the listener. Its methods do their work before they return, in the order of the calls.
 */
import { RoomfulError } from '../../../core/base/errors.ts'
import type { Broker } from '../../../core/ports/broker.ts'
import type { Clock } from '../../../core/ports/clock.ts'
import type { Awaitable, Log } from './log.ts'
import { Seats } from './seats.ts'

export type { Log } from './log.ts'
export { createMemoryLog } from './memory/memory-log.ts'
export { openSqliteLog } from './sqlite/sqlite-log.ts'

export interface LocalBrokerOptions {
  readonly log: Log
  readonly clock: Clock
}

export function createLocalBroker({ log, clock }: LocalBrokerOptions): Broker {
  const seats = new Seats()
  let closing: Promise<void> | undefined

  /** What the core calls while it lets go of everything is no mistake, only too late. */
  const tell = (note: () => void) => {
    if (!closing) note()
  }
  const ask = async <T>(question: () => Awaitable<T>): Promise<T> => {
    if (closing) throw new RoomfulError('UNAVAILABLE', 'The server is shutting down and stores nothing more')
    return question()
  }

  return {
    open: (namespace) => ask(() => log.open(namespace)),
    append: (namespace, entries) => ask(() => log.append(namespace, entries)),
    isNewKey: (namespace, key) => !closing && log.isNewKey(namespace, key),
    findKey: (namespace, key) => ask(() => log.findKey(namespace, key)),
    saveReply: (namespace, key, reply) => tell(() => log.saveReply(namespace, key, reply)),
    read: (namespace, after, limits) => ask(() => log.read(namespace, after, limits)),
    positions: (namespace, n, roomIds) => ask(() => log.positions(namespace, n, roomIds)),
    history: (namespace, roomId, page) => ask(() => log.history(namespace, roomId, page)),
    heads: (namespace, roomIds) => ask(() => log.heads(namespace, roomIds)),
    subscribe: (namespace, rooms) => ask(() => log.hold(namespace, rooms)),
    unsubscribe: (namespace, roomIds) => tell(() => log.release(namespace, roomIds)),
    takeSeat: (namespace, roomId, userId, capacity) => ask(() => seats.take(namespace, roomId, userId, capacity)),
    freeSeat: (namespace, roomId, userId) => seats.free(namespace, roomId, userId),
    redact: (namespace, roomId, seq) => ask(() => log.redact(namespace, roomId, seq)),
    redactUser: (namespace, userId) => ask(() => log.redactUser(namespace, userId)),
    mark: (namespace, roomId) => ask(() => log.mark(namespace, roomId)),
    setMark: (namespace, roomId, seq) => tell(() => log.setMark(namespace, roomId, seq)),
    saveSession: (session, ttlMs) => tell(() => log.saveSession(session, clock.now() + ttlMs)),
    sessionsStored: () => ask(() => log.sessionsStored()),
    findSession: (namespace, id) => ask(() => log.findSession(namespace, id)),
    dropSession: (namespace, id) => tell(() => log.dropSession(namespace, id)),
    saveReturning: (namespace, members) => ask(() => log.saveReturning(namespace, members)),
    takeReturning: (namespace) => ask(() => log.takeReturning(namespace)),
    listen: () => undefined,
    healthy: () => closing === undefined && log.healthy(),
    close: () => {
      closing ??= (async () => log.close())()
      return closing
    },
  }
}
