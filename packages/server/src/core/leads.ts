/**
 * What must run once, however many nodes there are: the node that holds the lease of a name runs it. A node that was
 * suspended for longer than its lease does not know that it lost it, so what it publishes carries a fence that the log checks.
 */
import { fromJson, toJson, type WireError } from '@roomful/protocol'
import type { Lead, Leading, LeadRun } from './api.ts'
import { fromWire, RoomfulError, toRoomfulError } from './base/errors.ts'
import type { Runtime } from './base/runtime.ts'
import type { Timer } from './base/timer-wheel.ts'
import type { Fencing } from './log/commit.ts'
import { Namespace } from './namespace.ts'
import type { Held, LeadLeases } from './ports/leads.ts'

/** A lease is renewed, and one that another node has is asked for, this often. */
const LOOK_MS = 2_000
/** How long a run may take to end before the next one begins, here or on another node. */
const END_MS = 5_000
/** After a run has failed; twice as long after each further time. */
const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 60_000
/** After this long the failures of before do not count. */
const CALM_MS = 60_000
/** How long a question looks for the node that leads. */
const FIND_MS = 3_000
const FIND_AGAIN_MS = 100

/** What a node says that was asked as the one that leads. */
type Answer =
  | { readonly status: 'ok'; readonly json: string | undefined }
  | { readonly status: 'error'; readonly error: WireError }
  /** It does not lead, or not yet. */
  | { readonly status: 'elsewhere' }

interface Asked {
  readonly name: string
  readonly json: string | undefined
}

const ELSEWHERE: Answer = { status: 'elsewhere' }

export class Leads {
  private readonly runtime: Runtime
  /** By name. Bound: what the application declares. */
  private readonly all = new Map<string, NamedLead>()
  private isOpen = false
  private looking: Promise<void> | undefined
  private timer: Timer | undefined

  constructor(runtime: Runtime) {
    this.runtime = runtime
    runtime.nodes.on<Asked>('lead:ask', ({ name, json }) => this.all.get(name)?.answer(json) ?? ELSEWHERE)
    runtime.nodes.on('lead:free', () => void this.look())
  }

  /** @throws Error when the name is taken */
  add(name: string, run: LeadRun): Leading {
    if (this.all.has(name)) throw new Error(`Something leads under the name ${JSON.stringify(name)} already`)
    const named = new NamedLead(this.runtime, name, run, () => this.look())
    this.all.set(name, named)
    return { get isHere() { return named.leads }, ask: (question) => named.ask(question) } as Leading // biome-ignore format: one value
  }

  /** Once the logs are open. A server that runs alone leads at once. */
  start(): void {
    this.isOpen = true
    const { leads } = this.runtime.broker
    if (leads) return void this.look()
    for (const named of this.all.values())
      named.onHeld({ fence: Math.trunc(this.runtime.clock.now()), holder: '' }, Infinity)
  }

  /** Ends what runs here, and lets other nodes have it. */
  async stop(): Promise<void> {
    if (!this.isOpen) return
    this.isOpen = false
    this.runtime.timers.cancel(this.timer)
    await this.looking
    const { leads } = this.runtime.broker
    await Promise.all(Array.from(this.all.values(), (named) => named.leave(leads)))
    if (leads && this.all.size > 0) this.runtime.nodes.tell('lead:free', undefined, '')
  }

  /** From the log: it refused what a lead published, since a later one has begun. */
  onFenced(name: string, fence: number): void {
    this.all.get(name)?.onFenced(fence)
  }

  /** Renews what this node has, and takes what is free. Never rejects. */
  private look(): Promise<void> {
    this.looking ??= this.take().finally(() => {
      this.looking = undefined
    })
    return this.looking
  }

  private async take(): Promise<void> {
    const { broker, timers, clock } = this.runtime
    const { leads } = broker
    if (!leads || !this.isOpen || this.all.size === 0) return
    timers.cancel(this.timer)
    this.timer = timers.add(LOOK_MS, () => void this.look())
    const wanted = [...this.all.values()]
    const askedAt = clock.monotonic()
    try {
      const held = await leads.take(wanted.map(({ name, fence }) => ({ name, fence })))
      for (const [i, each] of held.entries()) wanted[i]?.onHeld(each, askedAt + leads.leaseMs)
    } catch {
      // The connection reports it; what this node has ends with its lease.
    }
  }
}

/** One name, on this node. */
class NamedLead {
  readonly name: string
  private readonly runtime: Runtime
  private readonly run: LeadRun
  private readonly look: () => Promise<void>
  private term: Term | undefined
  private ended: Promise<unknown> = Promise.resolve()
  /** The node that leads, as far as this one knows. */
  private holder: string | undefined

  constructor(runtime: Runtime, name: string, run: LeadRun, look: () => Promise<void>) {
    this.runtime = runtime
    this.name = name
    this.run = run
    this.look = look
  }

  get leads(): boolean {
    return this.term?.isOver === false
  }

  get fence(): number | undefined {
    return this.leads ? this.term?.fence : undefined
  }

  /** @param until when the lease is over if it is not renewed */
  onHeld({ fence, holder }: Held, until: number): void {
    this.holder = holder
    const { term } = this
    if (term && this.leads) {
      if (fence === term.fence) return term.extend(until)
      term.end()
    }
    if (fence === undefined || until <= this.runtime.clock.monotonic()) return
    const begun = new Term(this.runtime, this.name, fence, until)
    const before = this.ended
    this.term = begun
    this.ended = this.serve(begun, before) // never rejects
    this.runtime.observer.observe({ type: 'lead', name: this.name, what: 'began' })
  }

  onFenced(fence: number): void {
    if (this.term?.fence !== fence) return
    this.term.lead?.fenceOff()
    this.term.end()
  }

  async leave(leads: LeadLeases | undefined): Promise<void> {
    const { name, term } = this
    if (!term) return
    const { fence, isOver } = term
    term.end()
    await this.withinMs(END_MS, this.ended)
    if (!isOver) await leads?.release(name, fence).catch(() => undefined) // the lease ends by itself
  }

  /** @throws RoomfulError (rejects) what the lead refuses with, or UNAVAILABLE */
  async ask(question: unknown): Promise<unknown> {
    const json = question === undefined ? undefined : toJson(question)
    const until = this.runtime.clock.monotonic() + FIND_MS
    for (;;) {
      const answer = await this.askOnce(json)
      if (answer.status === 'ok') return answer.json === undefined ? undefined : fromJson(answer.json)
      if (answer.status === 'error') throw fromWire(answer.error)
      if (this.runtime.clock.monotonic() >= until) throw unavailable('No node leads this at the moment')
      await this.pause(FIND_AGAIN_MS)
      await this.look()
    }
  }

  async answer(json: string | undefined): Promise<Answer> {
    const handler = this.leads ? this.term?.lead?.handler : undefined
    if (!handler) return ELSEWHERE
    try {
      const value = await handler((json === undefined ? undefined : fromJson(json)) as never)
      return { status: 'ok', json: value === undefined ? undefined : toJson(value) }
    } catch (thrown) {
      const error = toRoomfulError(thrown)
      if (error.code === 'INTERNAL') {
        const about = { namespace: '', event: this.name, userId: '', connectionId: '', payload: json }
        this.runtime.observer.observe({ type: 'handler:failed', ...about, error: thrown })
      }
      return { status: 'error', error: error.toWire() }
    }
  }

  private async askOnce(json: string | undefined): Promise<Answer> {
    if (this.leads) return this.answer(json)
    const { broker } = this.runtime
    if (this.holder === undefined || this.holder === broker.node) return ELSEWHERE
    const body: Asked = { name: this.name, json }
    const { asked, answers } = await broker.ask<Answer>({ kind: 'lead:ask', namespace: '', body }, [this.holder])
    const [answered] = answers
    if (answered) return answered.value
    if (asked === 0) return ELSEWHERE
    throw unavailable('The node that leads this did not answer; it may have done it')
  }

  /** Runs it until the term is over, again after it has failed. */
  private async serve(term: Term, before: Promise<unknown>): Promise<void> {
    const { clock, observer } = this.runtime
    await this.withinMs(END_MS, before)
    for (let failures = 0; !term.isOver; ) {
      const startedAt = clock.monotonic()
      const lead = term.begin()
      try {
        await this.run(lead)
        await term.over
      } catch (error) {
        if (term.isOver) break
        lead.end()
        failures = clock.monotonic() - startedAt > CALM_MS ? 1 : failures + 1
        const retryMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (failures - 1))
        observer.observe({ type: 'lead:failed', name: this.name, error, retryMs })
        await Promise.race([this.pause(retryMs), term.over])
      }
    }
    observer.observe({ type: 'lead', name: this.name, what: 'ended' })
  }

  private withinMs(ms: number, promise: Promise<unknown>): Promise<unknown> {
    return Promise.race([promise, this.pause(ms)])
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.runtime.timers.add(ms, resolve))
  }
}

/** From when a node begins to lead until it does not any more. */
class Term {
  readonly fence: number
  readonly over: Promise<void>
  lead: RunningLead | undefined
  private readonly runtime: Runtime
  private readonly name: string
  private readonly ending = Promise.withResolvers<void>()
  private until: number
  private hasEnded = false
  private timer: Timer | undefined

  constructor(runtime: Runtime, name: string, fence: number, until: number) {
    this.runtime = runtime
    this.name = name
    this.fence = fence
    this.over = this.ending.promise
    this.until = until
    this.extend(until)
  }

  /** Looks at the time itself: what comes first after this process was suspended may not be the timer. */
  get isOver(): boolean {
    if (!this.hasEnded && this.runtime.clock.monotonic() >= this.until) this.end()
    return this.hasEnded
  }

  extend(until: number): void {
    const { timers, clock } = this.runtime
    this.until = until
    timers.cancel(this.timer)
    if (Number.isFinite(until))
      this.timer = timers.add(until - clock.monotonic(), () => this.isOver || this.extend(until))
  }

  begin(): RunningLead {
    this.lead = new RunningLead(this.name, this)
    return this.lead
  }

  end(): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.runtime.timers.cancel(this.timer)
    this.lead?.end()
    this.ending.resolve()
  }
}

/** What a run is given. */
class RunningLead implements Lead, Fencing {
  readonly name: string
  isFenced = false
  handler: ((question: never) => unknown) | undefined
  private readonly term: Term
  private readonly abort = new AbortController()

  constructor(name: string, term: Term) {
    this.name = name
    this.term = term
  }

  get fence(): number {
    return this.term.fence
  }

  get lost(): AbortSignal {
    return this.abort.signal
  }

  get isOver(): boolean {
    return this.abort.signal.aborted || this.term.isOver
  }

  answer(handler: (question: never) => unknown): void {
    this.handler = handler
  }

  fenced<Given extends object>(namespace: Given): never {
    if (!(namespace instanceof Namespace)) throw new TypeError('Give a namespace of this server')
    return namespace.requests.publisher.fenced(this) as never
  }

  fenceOff(): void {
    this.isFenced = true
  }

  end(): void {
    this.handler = undefined
    this.abort.abort()
  }
}

function unavailable(message: string): RoomfulError {
  return new RoomfulError('UNAVAILABLE', message, { retryAfterMs: 1_000 })
}
