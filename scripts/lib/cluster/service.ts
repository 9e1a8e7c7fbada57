/** One program of a cluster, started again when it ends by itself, as a supervisor of the system would. */
import { setTimeout } from 'node:timers/promises'

/** What `Child` and `startRedis` give. */
interface Running {
  readonly pid: number
  readonly exited: Promise<void>
  stop(): Promise<void>
}

export interface ServiceOptions {
  readonly name: string
  /** @param signal ends what is not ready yet */
  readonly start: (signal: AbortSignal) => Promise<Running>
  readonly say: (sentence: string) => void
  /** It ended too often. */
  readonly onGivenUp: () => void
}

const AGAIN_AFTER_MS = 500
/** So many unwanted ends within a minute are not repaired by another start. */
const ENDS_MAX = 5
const MINUTE_MS = 60_000

export class Service {
  private readonly options: ServiceOptions
  private running: Running | undefined
  private starting: Promise<Running> | undefined
  private unwanted = new AbortController()
  private ends: number[] = []

  constructor(options: ServiceOptions) {
    this.options = options
  }

  get pid(): number | undefined {
    return this.running?.pid
  }

  /** Resolves once it is ready. @throws what its start throws (rejects) */
  async start(): Promise<void> {
    this.unwanted = new AbortController()
    const { signal } = this.unwanted
    this.starting = this.options.start(signal)
    const running = await this.starting
    this.running = running
    running.exited.then(() => this.onExit(running, signal))
  }

  async stop(): Promise<void> {
    this.unwanted.abort()
    await this.starting?.then(
      (running) => running.stop(),
      () => undefined, // it never ran
    )
  }

  /** Does not wait, and lets it finish nothing. */
  kill(): void {
    this.unwanted.abort()
    if (this.running) process.kill(this.running.pid, 'SIGKILL')
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  private async onExit(running: Running, unwanted: AbortSignal): Promise<void> {
    if (this.running === running) this.running = undefined
    if (unwanted.aborted) return
    const { name, say, onGivenUp } = this.options
    const now = performance.now()
    this.ends = [...this.ends.filter((at) => now - at < MINUTE_MS), now]
    if (this.ends.length > ENDS_MAX) {
      say(`${name} ended ${this.ends.length} times within a minute; giving up.`)
      return onGivenUp()
    }
    say(`${name} ended by itself; starting it again.`)
    await setTimeout(AGAIN_AFTER_MS)
    if (unwanted.aborted) return
    await this.start().catch((error: Error) => {
      say(error.message)
      onGivenUp()
    })
  }
}
