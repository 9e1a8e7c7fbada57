/**
 * Keeps the journal short. A checkpoint copies it into the file, in the worker and without locks, while the writer goes
 * on; but the journal starts over only when a commit finds all of it copied, which under load never happens by itself. So
 * when it has grown large, appends are held for the few milliseconds of one more checkpoint, on a promise and not in a
 * blocked thread.
 */
import type { Clock } from '../../../../core/ports/clock.ts'
import type { SqliteBackground } from './background.ts'

/** Copying earlier would copy the same pages more often, later would keep more to read on opening. */
const CHECKPOINT_BYTES = 8 * 1024 ** 2
/** Above this the journal must start over. */
const RESTART_BYTES = 48 * 1024 ** 2
/** More than this during one checkpoint means that the disk does not keep up: appends wait until it has. */
const AHEAD_BYTES = 64 * 1024 ** 2
/** Without a commit for this long, what is left is copied: the next commit then starts the journal over. */
const QUIET_MS = 1000
const PAGE_BYTES = 4096

export interface CheckpointsOptions {
  readonly clock: Clock
  readonly background: SqliteBackground
  /** Called when appends may go on. */
  readonly onOpen: () => void
  readonly report: (error: unknown) => void
}

export class SqliteCheckpoints {
  /** Appends must wait for `onOpen`. */
  isHolding = false
  private readonly options: CheckpointsOptions
  /** Written to the journal since the last checkpoint began, roughly. */
  private bytes = 0
  private isRunning = false
  private hasCommitted = false
  private cancelQuiet: (() => void) | undefined
  private isStopped = false

  constructor(options: CheckpointsOptions) {
    this.options = options
  }

  /** Something was committed. */
  committed(bytes: number): void {
    if (this.isStopped) return
    this.bytes += bytes
    this.hasCommitted = true
    if (this.bytes >= CHECKPOINT_BYTES) this.start()
    if (this.isRunning && this.bytes >= AHEAD_BYTES) this.isHolding = true
    this.cancelQuiet ??= this.options.clock.after(QUIET_MS, this.onQuiet)
  }

  stop(): void {
    this.isStopped = true
    this.cancelQuiet?.()
    this.open()
  }

  private readonly onQuiet = (): void => {
    this.cancelQuiet = undefined
    if (this.hasCommitted) this.cancelQuiet = this.options.clock.after(QUIET_MS, this.onQuiet)
    else this.start()
    this.hasCommitted = false
  }

  private start(): void {
    if (this.isRunning || this.isStopped || this.bytes === 0) return
    this.isRunning = true
    this.run()
      .catch((error: unknown) => {
        if (!this.isStopped) this.options.report(error)
      })
      .finally(() => {
        this.isRunning = false
        this.open()
      })
  }

  private async run(): Promise<void> {
    this.bytes = 0
    const { log } = await this.options.background.ask({ kind: 'checkpoint' })
    const mustRestart = this.isHolding || log * PAGE_BYTES >= RESTART_BYTES
    if (!mustRestart || this.isStopped) return
    this.isHolding = true
    this.bytes = 0
    await this.options.background.ask({ kind: 'checkpoint' })
  }

  private open(): void {
    if (!this.isHolding) return
    this.isHolding = false
    this.options.onOpen()
  }
}
