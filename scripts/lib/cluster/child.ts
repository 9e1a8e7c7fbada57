/** A program that runs beside this one until it is stopped, and is ready once a probe says so. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'

const PROBE_EVERY_MS = 30
/** Several servers that start at once on a busy machine take turns. */
const READY_WITHIN_MS = 45_000

export interface ChildOptions {
  /** For sentences. */
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where its output goes. Default: nowhere. */
  readonly onOutput?: (text: string) => void
  /** A process group of its own, so that Ctrl-C on the terminal reaches this program alone, which then stops it in order. */
  readonly detached?: boolean
  readonly isReady: () => Promise<boolean>
  /** What the last probe saw, for the sentence of a failure. */
  readonly lastSeen?: () => string
  /** Ends it when it is not ready yet. */
  readonly signal?: AbortSignal | undefined
}

export class Child {
  readonly pid: number
  /** Resolves when it is over. */
  readonly exited: Promise<void>
  isOver = false
  private readonly process: ChildProcess

  private constructor(process: ChildProcess) {
    if (process.pid === undefined) throw new Error(`${process.spawnfile} could not be started`)
    this.process = process
    this.pid = process.pid
    this.exited = once(process, 'exit').then(() => {
      this.isOver = true
    })
  }

  /** @throws Error (rejects), with its last words unless they went to `onOutput`, when it is not ready within 45 s */
  static async start(options: ChildOptions): Promise<Child> {
    const { name, program, args, env = {}, onOutput, detached = false, isReady, lastSeen, signal } = options
    const stdio = ['ignore', 'pipe', 'pipe'] as const
    const started = spawn(program, args, { stdio: [...stdio], detached, env: { ...process.env, ...env } })
    let lastWords = ''
    for (const stream of [started.stdout, started.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        if (onOutput) onOutput(text)
        else lastWords = (lastWords + text).slice(-2_000)
      })
    }
    started.on('error', (error) => {
      lastWords += error.message
    })
    const child = new Child(started)
    const until = performance.now() + READY_WITHIN_MS
    while (!child.isOver && !signal?.aborted && performance.now() < until) {
      if (await isReady()) return child
      await setTimeout(PROBE_EVERY_MS)
    }
    const reason = child.isOver
      ? 'ended at once'
      : signal?.aborted
        ? 'was stopped'
        : `was not ready within ${READY_WITHIN_MS / 1_000} s`
    const seen = lastSeen && !child.isOver ? ` (${lastSeen()})` : ''
    await child.stop(signal?.aborted ? 'SIGTERM' : 'SIGKILL')
    throw new Error(`${name} ${reason}${seen}.\n${lastWords}`.trim())
  }

  signal(name: NodeJS.Signals): void {
    if (!this.isOver) this.process.kill(name)
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.signal(signal)
    await this.exited
  }
}
