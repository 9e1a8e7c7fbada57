/**
 * Keeps the journal short. A checkpoint copies it into the file, in the worker and without locks, while the writer goes
 * on; but the journal starts over only when a commit finds all of it copied, which under load never happens by itself. So
 * when it has grown large, appends wait for the few milliseconds of one more checkpoint, on a promise and not in a blocked
 * thread.
 */
import type { Clock } from '../../../../core/ports/system.ts'
import type { SqliteBackground } from './background.ts'
import type { SqliteWriter } from './writer.ts'

/**
 * Copying earlier would copy the same pages more often. Later would flush more to the disk at once, which blocks the
 * commits of that time: at 10,000 events/s, 4 MiB gave the lowest latency at the 99th percentile.
 */
const CHECKPOINT_BYTES = 4 * 1024 ** 2
/**
 * Above this the journal must start over. Each time appends wait 10 to 20 ms for the disk, at 10,000 events/s every two or
 * three seconds, so that fewer than one append in a hundred waits; a longer journal takes more of the disk, and more to read
 * on opening after a kill.
 */
export const RESTART_BYTES = 128 * 1024 ** 2
/** More than this during one checkpoint means that the disk does not keep up: appends wait until it has. */
const AHEAD_BYTES = 64 * 1024 ** 2
/** Without a commit for this long, the rest is copied: the next commit then starts the journal over. */
const QUIET_MS = 1000
const PAGE_BYTES = 4096

export interface CheckpointsOptions {
  readonly clock: Clock
  readonly writer: SqliteWriter
  readonly background: SqliteBackground
  /** Called when appends may go on. */
  readonly onResume: () => void
  readonly report: (error: unknown) => void
}

export class SqliteCheckpoints {
  /** Appends must wait for `onResume`. */
  isPaused = false
  private readonly options: CheckpointsOptions
  /** Length of the journal, counted since the log was opened, when the last checkpoint began. */
  private copiedBytes = 0
  private isRunning = false
  /** Length of the journal when it was last checked for a pause in writing. */
  private seenBytes = 0
  private cancelQuiet: (() => void) | undefined
  private isStopped = false

  constructor(options: CheckpointsOptions) {
    this.options = options
    options.writer.onJournalMark = () => this.onGrown()
  }

  stop(): void {
    this.isStopped = true
    this.options.writer.journalMark = Number.POSITIVE_INFINITY
    this.cancelQuiet?.()
    this.resume()
  }

  private get newBytes(): number {
    return this.options.writer.journalBytes - this.copiedBytes
  }

  /** Called at the first commit after a quiet time, and then only when the journal has grown enough to matter. */
  private onGrown(): void {
    if (this.isStopped) return
    this.cancelQuiet ??= this.options.clock.after(QUIET_MS, this.onQuiet)
    if (this.isRunning && this.newBytes >= AHEAD_BYTES) this.isPaused = true
    if (this.newBytes >= CHECKPOINT_BYTES) this.start()
    this.setMark()
  }

  private setMark(): void {
    if (this.isStopped) return
    const { writer } = this.options
    if (this.cancelQuiet === undefined) writer.journalMark = writer.journalBytes
    else writer.journalMark = this.copiedBytes + (this.isRunning ? AHEAD_BYTES : CHECKPOINT_BYTES)
  }

  private readonly onQuiet = (): void => {
    const { clock, writer } = this.options
    const hasCommitted = writer.journalBytes > this.seenBytes
    this.seenBytes = writer.journalBytes
    this.cancelQuiet = hasCommitted ? clock.after(QUIET_MS, this.onQuiet) : undefined
    if (!hasCommitted) this.start()
    this.setMark()
  }

  private start(): void {
    if (this.isRunning || this.isStopped || this.newBytes === 0) return
    this.isRunning = true
    this.run()
      .catch((error: unknown) => {
        if (!this.isStopped) this.options.report(error)
      })
      .finally(() => {
        this.isRunning = false
        this.setMark()
        this.resume()
      })
  }

  private async run(): Promise<void> {
    const { writer, background } = this.options
    this.copiedBytes = writer.journalBytes
    const { log } = await background.request({ kind: 'checkpoint' })
    const mustRestart = this.isPaused || log * PAGE_BYTES >= RESTART_BYTES
    if (!mustRestart || this.isStopped) return
    this.isPaused = true
    this.copiedBytes = writer.journalBytes
    await background.request({ kind: 'checkpoint' })
  }

  private resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.options.onResume()
  }
}
