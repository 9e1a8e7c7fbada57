/**
 * The broker of one machine: a log, and nothing beside it. There are no other nodes, so the listener receives results only.
 * What is asked takes effect before the call returns, in the order of the calls.
 */
import { ERROR_CODES } from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import type { Append, Appended, Awaitable, Broker, BrokerListener, Claim } from '../../../core/ports/broker.ts'
import { ALONE } from '../../../core/ports/nodes.ts'
import { SessionFences } from '../common/session-fences.ts'
import { ASKED, type Log, NOTED } from './log.ts'

export type { Log } from './log.ts'
export { createMemoryLog } from './memory/memory-log.ts'
export { openSqliteLog } from './sqlite/sqlite-log.ts'

export interface LocalBrokerOptions {
  readonly log: Log
}

/** What a log did with a batch. */
interface Outcome {
  readonly results: readonly Appended[]
  readonly cause?: unknown
}

type Calls = Record<string, (...args: unknown[]) => unknown>

const BATCH_LIMITS = { appends: 10_000, underWay: 64 }
const NEW: Claim = { status: 'new' }
const UNAVAILABLE: Appended = {
  status: 'refused',
  code: 'UNAVAILABLE',
  message: ERROR_CODES.UNAVAILABLE.message,
}

export function createLocalBroker({ log }: LocalBrokerOptions): Broker {
  const fences = new SessionFences()
  const outcomes = new Map<string, InOrder<Outcome>>()
  let listener: BrokerListener | undefined
  let closing: Promise<void> | undefined

  const checkOpen = (): void => {
    if (closing) throw new RoomfulError('UNAVAILABLE', 'The server is shutting down and stores nothing more')
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

  const calls = log as unknown as Calls
  const asked: Calls = {}
  for (const name of ASKED) {
    asked[name] = async (...args) => {
      checkOpen()
      return calls[name]?.(...args)
    }
  }
  const noted: Calls = {}
  for (const name of NOTED) {
    // What the core calls while it lets go of everything is no mistake, only too late.
    noted[name] = (...args) => (closing ? undefined : calls[name]?.(...args))
  }

  return {
    ...(asked as unknown as Pick<Broker, (typeof ASKED)[number]>),
    ...(noted as unknown as Pick<Broker, (typeof NOTED)[number]>),
    batchLimits: BATCH_LIMITS,
    append: (namespace, { id, appends }) =>
      outcomesOf(namespace).add(store(namespace, appends), ({ results, cause }) =>
        listener?.onCommitted(namespace, id, results, cause),
      ),
    take: (_namespace, scope, perMinute) => {
      checkOpen()
      return log.take(scope, perMinute)
    },
    claim: (namespace, key) => {
      checkOpen()
      if (log.isNewKey(namespace, key)) return NEW
      const found = log.findKey(namespace, key)
      return found instanceof Promise ? found.then((claim) => claim ?? NEW) : (found ?? NEW)
    },
    endClaim: () => undefined, // within one node the core knows what runs
    node: '',
    nodes: async () => [''],
    ask: async () => ALONE,
    saveSession: (session, ttlMs) => {
      if (!closing && fences.counts(session.namespace, session.id, session.fence)) log.saveSession(session, ttlMs)
    },
    findSession: async (namespace, id) => {
      checkOpen()
      const record = await log.findSession(namespace, id)
      return record && fences.stamped(record)
    },
    takeSession: async (namespace, id, seen) => {
      checkOpen()
      const record = await log.findSession(namespace, id)
      if (!record || (seen !== undefined && (fences.stamped(record).fence ?? 1) !== seen)) return undefined
      return { record: fences.take(record), wasHere: true }
    },
    dropSession: (namespace, id, fence) => {
      if (closing || !fences.counts(namespace, id, fence)) return
      fences.forget(namespace, id)
      log.dropSession(namespace, id)
    },
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

interface Waiting<T> {
  answer: { readonly value: T } | undefined
  readonly release: (value: T) => void
}

/**
 * Releases what is answered asynchronously in the order in which it was asked, each synchronously after the one before.
 * Bound: the questions that are under way.
 */
export class InOrder<T> {
  private readonly waiting: Waiting<T>[] = []
  private isReleasing = false

  /** @param answer never rejects. One that is given at once, with nothing before it, is released within this call. */
  add(answer: Awaitable<T>, release: (value: T) => void): void {
    const waiting: Waiting<T> = { answer: undefined, release }
    this.waiting.push(waiting)
    if (answer instanceof Promise) answer.then((value) => this.answered(waiting, value))
    else this.answered(waiting, answer)
  }

  private answered(waiting: Waiting<T>, value: T): void {
    waiting.answer = { value }
    // One that is answered while another is released waits for its turn: it must not come in the middle of it.
    if (!this.isReleasing) this.releaseDue()
  }

  private releaseDue(): void {
    this.isReleasing = true
    try {
      for (let next = this.waiting[0]; next?.answer !== undefined; next = this.waiting[0]) {
        this.waiting.shift()
        next.release(next.answer.value)
      }
    } finally {
      this.isReleasing = false
    }
  }
}
