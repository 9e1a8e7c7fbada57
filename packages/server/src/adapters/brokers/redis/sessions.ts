/** Session records and inbox marks; everything saved in one turn goes in one call. */
import type { SessionRecord, TakenSession } from '../../../core/ports/broker.ts'
import type { Clock } from '../../../core/ports/system.ts'
import { inPages, type RedisNamespace } from './namespace.ts'

interface Change {
  readonly ttlMs: number
  /** Nothing: it is dropped. */
  readonly session: SessionRecord | undefined
  /** Of its holder; nothing when it counts with any holder. */
  readonly fence: number | undefined
}

interface Mark {
  readonly seq: number
  readonly epoch: string
}

export class Sessions {
  private readonly namespace: RedisNamespace
  private readonly clock: Clock
  private readonly report: (error: unknown) => void
  private changes = new Map<string, Change>()
  private marks = new Map<string, Mark>()
  private writing: Promise<unknown> = Promise.resolve()
  private isDue = false

  constructor(namespace: RedisNamespace, clock: Clock, report: (error: unknown) => void) {
    this.namespace = namespace
    this.clock = clock
    this.report = report
  }

  save(session: SessionRecord, ttlMs: number): void {
    this.changes.set(session.id, { ttlMs, session, fence: session.fence })
    this.due()
  }

  drop(id: string, fence: number | undefined): void {
    this.changes.set(id, { ttlMs: 0, session: undefined, fence })
    this.due()
  }

  async stored(): Promise<void> {
    this.write()
    await this.writing
  }

  async find(id: string): Promise<SessionRecord | undefined> {
    await this.stored()
    const [record, fence] = await this.namespace.ask('findSession', [this.namespace.now, id])
    return typeof record === 'string' ? recordOf(record, fence) : undefined
  }

  /** What this node has saved so far is stored before. */
  async take(id: string, seen?: number): Promise<TakenSession | undefined> {
    await this.stored()
    const args = [this.namespace.now, id, seen === undefined ? '' : String(seen)]
    const [, , fence, record, wasHere] = await this.namespace.change('takeSession', args)
    return typeof record === 'string' ? { record: recordOf(record, fence), wasHere: Number(wasHere) === 1 } : undefined
  }

  async mark(roomId: string): Promise<number> {
    await this.stored()
    return Number((await this.namespace.ask('mark', [roomId]))[0])
  }

  /** @param epoch of the log that the number is of; `''` for a number of one's own */
  setMark(roomId: string, seq: number, epoch = ''): void {
    this.noteMark(roomId, { seq, epoch })
    this.due()
  }

  private noteMark(roomId: string, mark: Mark): void {
    const known = this.marks.get(roomId)
    if (!known || known.epoch !== mark.epoch || known.seq < mark.seq) this.marks.set(roomId, mark)
  }

  private due(): void {
    if (this.isDue) return
    this.isDue = true
    this.clock.turnEnd(() => {
      this.write()
      this.writing.catch(this.report)
    })
  }

  private write(): void {
    this.isDue = false
    const { changes, marks } = this
    if (changes.size === 0 && marks.size === 0) return
    this.changes = new Map()
    this.marks = new Map()
    const writes = [this.writeSessions(changes), this.writeMarks(marks)]
    this.writing = Promise.all([this.writing.catch(() => undefined), ...writes])
    this.writing.catch(() => undefined)
  }

  /** What could not be written is tried again with the next, unless that is newer. */
  private async writeSessions(changes: ReadonlyMap<string, Change>): Promise<void> {
    const { namespace } = this
    for (const page of inPages([...changes])) {
      const args = page.flatMap(([id, { ttlMs, session, fence = '' }]) => [id, String(fence), String(ttlMs), session ? JSON.stringify(session) : '']) // biome-ignore format: one call
      try {
        await namespace.ask('saveSessions', [namespace.node, namespace.now, ...args])
      } catch (error) {
        for (const [id, change] of page) if (!this.changes.has(id)) this.changes.set(id, change)
        throw error
      }
    }
  }

  private async writeMarks(marks: ReadonlyMap<string, Mark>): Promise<void> {
    for (const page of inPages([...marks])) {
      try {
        await this.namespace.ask('setMark', page.flatMap(([roomId, { seq, epoch }]) => [roomId, String(seq), epoch])) // biome-ignore format: one call
      } catch (error) {
        for (const [roomId, mark] of page) {
          const { epoch = mark.epoch } = this.marks.get(roomId) ?? {}
          if (epoch === mark.epoch) this.noteMark(roomId, mark) // what came since is of a later log
        }
        throw error
      }
    }
  }
}

/** The latest takeover may be newer than what was saved. */
function recordOf(text: string, fence: unknown): SessionRecord & { fence: number } {
  return { ...(JSON.parse(text) as SessionRecord), fence: Number(fence) }
}
