/**
 * A disk that outlives the processes that write to it. A call takes effect after one delay, in order, and is answered after
 * another. When a process is killed, calls without effect are lost, and the other answers never arrive. A power failure also
 * removes the latest effects; then the log's generation grows, and with it every epoch.
 */
import type { Append } from '@roomful/server/ports'
import { type Broker, createMemoryLog, type Log, type LogLimits } from '@roomful/server/testing'
import type { VirtualClock } from '../clock.ts'
import { SeededRandom } from '../random.ts'
import type { LifeClock } from './life-clock.ts'
import type { SharedStorage } from './storage.ts'
import { StoredRooms } from './stored-rooms.ts'

/** How long a call takes, drawn again for each. */
export interface DiskPace {
  /** From the call to its effect. */
  readonly effectMs: () => number
  /** From the effect to the answer. */
  readonly answerMs: () => number
}

export interface DiskOptions {
  readonly clock: VirtualClock
  readonly seed: string
  readonly limits: Partial<LogLimits>
  readonly pace: DiskPace
}

interface Effect {
  readonly atMs: number
  readonly run: (log: Log) => unknown
}

export class SimulatedDisk implements SharedStorage {
  /** Everything that was ever appended and not lost again. */
  stored = new StoredRooms()
  private stalledUntilMs = 0
  private fullUntilMs = 0
  private readonly options: DiskOptions
  private log: Log
  private effects: Effect[] = []
  private generation = 1
  private replayedMs: number | undefined

  constructor(options: DiskOptions) {
    this.options = options
    this.log = this.format()
  }

  /** The log as one process sees it, until its clock ends. */
  mount(life: LifeClock): Log {
    let lastMs = 0
    let pending = 0
    let onIdle: (() => void) | undefined
    const call = <Result>(run: (log: Log) => Result | Promise<Result>, isKept = false): Promise<Result> => {
      const { clock, pace } = this.options
      lastMs = Math.max(lastMs, clock.monotonic() + pace.effectMs(), this.stalledUntilMs)
      pending++
      return new Promise((resolve, reject) => {
        life.after(lastMs - clock.monotonic(), () => {
          const answer = this.take(run, isKept)
          answer.catch(() => undefined) // the caller gets the error with the answer
          life.after(pace.answerMs(), () => {
            answer.then(resolve as (value: unknown) => void, reject)
            pending--
            if (pending === 0) onIdle?.()
          })
        })
      })
    }
    const tell = (run: (log: Log) => void): void => void call(run, true)
    return {
      open: (namespace) => call((log) => log.open(namespace), true),
      append: (namespace, entries) => {
        const stored = entries.map((entry) => (entry.epoch ? { ...entry, epoch: this.asStored(entry.epoch) } : entry))
        return call((log) => this.append(log, namespace, stored), true)
      },
      isNewKey: (...args) => pending === 0 && this.log.isNewKey(...args),
      take: (...args) => call((log) => log.take(...args), true),
      findKey: (...args) => call((log) => log.findKey(...args)),
      read: (...args) => call((log) => log.read(...args)),
      positions: (...args) => call(async (log) => this.renamed(await log.positions(...args))),
      history: (...args) =>
        call(async (log) => {
          const { epoch = '', ...page } = await log.history(...args)
          return { ...page, ...(epoch === '' ? {} : this.inGeneration({ epoch })) }
        }),
      state: (...args) => call((log) => log.state(...args)),
      readPositions: (...args) => call((log) => log.readPositions(...args)),
      growing: (...args) => call((log) => log.growing(...args)),
      heads: (...args) => call(async (log) => (await log.heads(...args)).map((head) => this.inGeneration(head))),
      subscribe: (...args) =>
        call(async (log) => (await log.subscribe(...args)).map((head) => this.inGeneration(head)), true),
      unsubscribe: (...args) => tell((log) => log.unsubscribe(...args)),
      redact: (namespace, roomId, seq, given) => {
        const epoch = given && this.asStored(given)
        return call((log) => log.redact(namespace, roomId, seq, epoch), true)
      },
      redactUser: (...args) => call((log) => log.redactUser(...args), true),
      mark: (...args) => call((log) => log.mark(...args)),
      saveAck: (...args) => tell((log) => log.saveAck(...args)),
      setMark: (namespace, roomId, seq, given) => {
        const epoch = given && this.asStored(given)
        tell((log) => log.setMark(namespace, roomId, seq, epoch))
      },
      saveSession: (...args) => tell((log) => log.saveSession(...args)),
      findSession: (...args) => call((log) => log.findSession(...args)),
      sessionsStored: () => call((log) => log.sessionsStored()),
      dropSession: (...args) => tell((log) => log.dropSession(...args)),
      saveReturning: (...args) => call((log) => log.saveReturning(...args), true),
      takeReturning: (...args) => call((log) => log.takeReturning(...args), true),
      healthy: () => this.fullUntilMs <= this.options.clock.monotonic(),
      close: () =>
        new Promise((resolve) => {
          if (pending === 0) resolve()
          else onIdle = resolve
        }),
    }
  }

  stall(forMs: number): void {
    this.stalledUntilMs = this.options.clock.monotonic() + forMs
  }

  fill(forMs: number): void {
    this.fullUntilMs = this.options.clock.monotonic() + forMs
  }

  recover(): void {
    this.stalledUntilMs = 0
    this.fullUntilMs = 0
  }

  /** The power fails: the latest effects are undone. */
  loseTail(effects: number): void {
    this.effects.splice(Math.max(0, this.effects.length - effects))
    this.generation++
    this.log.close()
    this.stored = new StoredRooms()
    this.log = this.format()
    for (const { atMs, run } of this.effects) {
      this.replayedMs = atMs
      run(this.log)
    }
    this.replayedMs = undefined
  }

  async heads(namespace: string, roomIds: readonly string[]): ReturnType<Broker['heads']> {
    return (await this.log.heads(namespace, roomIds)).map((head) => this.inGeneration(head))
  }

  async emptied(namespace: string, roomIds: readonly string[]): Promise<Map<string, ReadonlySet<number>>> {
    const rooms = new Map<string, ReadonlySet<number>>()
    for (const roomId of roomIds) {
      const { events } = await this.log.history(namespace, roomId, { after: 0, limit: Number.MAX_SAFE_INTEGER })
      rooms.set(roomId, new Set(events.filter(({ redacted }) => redacted).map(({ seq }) => seq)))
    }
    return rooms
  }

  close(): void {
    this.log.close()
  }

  private append(log: Log, namespace: string, entries: readonly Append[]): ReturnType<Log['append']> {
    if (this.fullUntilMs > this.options.clock.monotonic() && this.replayedMs === undefined) {
      throw new Error('The disk is full')
    }
    const results = log.append(namespace, entries)
    if (results instanceof Promise) throw new Error('The memory log answers at once')
    this.stored.add(namespace, entries, results)
    return results
  }

  private async take<Result>(run: (log: Log) => Result | Promise<Result>, isKept: boolean): Promise<Result> {
    const result = run(this.log)
    if (isKept) this.effects.push({ atMs: this.options.clock.now(), run })
    return result
  }

  /** A new one has the same ids as the one before it: what is replayed is the same log. */
  private format(): Log {
    const { clock, seed, limits } = this.options
    const time = {
      now: () => this.replayedMs ?? clock.now(),
      monotonic: () => clock.monotonic() - (this.replayedMs === undefined ? 0 : clock.now() - this.replayedMs),
      after: (ms: number, fn: () => void) => clock.after(ms, fn),
      turnEnd: (fn: () => void) => clock.turnEnd(fn),
    }
    return createMemoryLog({ clock: time, random: new SeededRandom(seed), ...limits })
  }

  private renamed<Answer extends { positions: { epoch: string }[] }>(answer: Answer): Answer {
    return { ...answer, positions: answer.positions.map((position) => this.inGeneration(position)) }
  }

  /** The log itself stays in its first generation. */
  private asStored(epoch: string): string {
    return epoch.replace(/\.(\d+)$/, (_, generation) => (Number(generation) === this.generation ? '.1' : '.0'))
  }

  private inGeneration<Place extends { epoch: string }>(place: Place): Place {
    return { ...place, epoch: place.epoch.replace(/\.\d+$/, `.${this.generation}`) }
  }
}
