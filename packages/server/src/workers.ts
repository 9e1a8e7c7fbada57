/**
 * Several processes on one port, each a whole node: the first process only starts them, gives each new connection to one of
 * them, and starts again what ends by itself. SIGHUP replaces them one after another.
 */
import cluster, { type Worker } from 'node:cluster'
import { setTimeout } from 'node:timers/promises'

/** What a worker and the process above it say to each other. */
export type WorkerMessage =
  /** To a worker: shut down. */
  | { readonly roomful: 'stop' }
  /** From a worker: it listens, and this is for the person who started it. */
  | { readonly roomful: 'listening'; readonly lines: readonly string[] }

export interface WorkersOptions {
  readonly count: number
  /** How long a worker may take to shut down. */
  readonly stopMs: number
  /** For the person who started it. */
  readonly say: (line: string) => void
  readonly first: Promise<unknown>
  readonly second: Promise<unknown>
}

/** So many unwanted ends within a minute are not repaired by another start. */
const ENDS_MAX = 5
const MINUTE_MS = 60_000
const RETRY_MIN_MS = 250
/** Settings that are wrong do not become right. */
const BAD_SETTINGS = 2

/** Whether this process is one of several that share a port. */
export function isWorker(): boolean {
  return cluster.isWorker
}

export function toMessage(value: unknown): WorkerMessage | undefined {
  return typeof value === 'object' && value !== null && 'roomful' in value ? (value as WorkerMessage) : undefined
}

/** Runs workers until a signal, or until they end too often. @returns the exit code */
export function runWorkers(options: WorkersOptions): Promise<number> {
  return new Workers(options).run()
}

class Workers {
  private readonly options: WorkersOptions
  /** Those that are wanted. Bound: `count`, and one that takes the place of another. */
  private readonly wanted = new Set<Worker>()
  private readonly said = new Set<string>()
  private readonly failed = Promise.withResolvers<number>()
  private ends: number[] = []
  private isStopping = false
  private replacing: Promise<void> | undefined

  constructor(options: WorkersOptions) {
    this.options = options
  }

  async run(): Promise<number> {
    const { count, say, first, second } = this.options
    cluster.schedulingPolicy = cluster.SCHED_RR
    process.on('SIGHUP', this.onHangUp)
    try {
      // The first one alone: what is made once, such as an account or a table, is there when the others start.
      const code = await Promise.race([this.start(), this.failed.promise, first])
      if (typeof code !== 'number' && !this.isStopping) {
        const others = Array.from({ length: count - 1 }, () => this.start())
        void Promise.all(others).then(() => !this.isStopping && say(`  processes     ${count} on this port; kill -HUP ${process.pid} replaces them one by one`)) // biome-ignore format: one sentence
      }
      const failure = await Promise.race([this.failed.promise, first.then(() => undefined)])
      const isClean = await Promise.race([this.stopAll(), second.then(() => false)])
      if (!isClean) for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
      return failure ?? (isClean ? 0 : 1)
    } finally {
      process.off('SIGHUP', this.onHangUp)
    }
  }

  private readonly onHangUp = (): void => {
    if (this.isStopping) return
    if (this.replacing) return this.options.say('The processes are being replaced already.')
    this.replacing = this.replaceAll().finally(() => {
      this.replacing = undefined
    })
  }

  /** Each has its successor before it goes. */
  private async replaceAll(): Promise<void> {
    const { say } = this.options
    for (const [i, worker] of [...this.wanted].entries()) {
      if (this.isStopping) return
      if (!this.wanted.has(worker)) continue // it has ended, and another one took its place
      if (!(await this.start())) return say('The new process did not start; the others stay as they are.')
      this.wanted.delete(worker)
      await this.stop(worker)
      say(`Process ${i + 1} of ${this.options.count} was replaced.`)
    }
  }

  /** Resolves once it listens; with false when it ended before. */
  private start(): Promise<boolean> {
    const worker = cluster.fork()
    this.wanted.add(worker)
    return new Promise((resolve) => {
      worker.on('message', (given: unknown) => {
        const message = toMessage(given)
        if (message?.roomful !== 'listening') return
        for (const line of message.lines) this.sayOnce(line)
        resolve(true)
      })
      worker.once('exit', (code) => {
        resolve(false)
        if (this.wanted.delete(worker)) void this.onUnwantedEnd(worker, code)
      })
    })
  }

  private async onUnwantedEnd({ process: { pid } }: Worker, code: number | null): Promise<void> {
    if (this.isStopping) return
    if (code === BAD_SETTINGS) return this.failed.resolve(BAD_SETTINGS)
    const now = performance.now()
    this.ends = [...this.ends.filter((at) => now - at < MINUTE_MS), now]
    const { say } = this.options
    if (this.ends.length > ENDS_MAX) {
      say(`Processes ended ${this.ends.length} times within a minute; giving up.`)
      return this.failed.resolve(1)
    }
    say(`Process ${pid} ended by itself; starting another one.`)
    await setTimeout(RETRY_MIN_MS * 2 ** (this.ends.length - 1))
    if (!this.isStopping) await this.start()
  }

  /** Resolves with whether all of them ended in order. */
  private async stopAll(): Promise<boolean> {
    this.isStopping = true
    await this.replacing
    const ends = await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => worker && this.stop(worker)))
    return ends.every((isClean) => isClean !== false)
  }

  /** Resolves once it has ended. */
  private async stop(worker: Worker): Promise<boolean> {
    if (worker.isDead()) return true
    const ended = new Promise<boolean>((resolve) => worker.once('exit', (code) => resolve(code === 0)))
    worker.send({ roomful: 'stop' } satisfies WorkerMessage, () => undefined) // it may be gone
    const late = await Promise.race([ended.then(() => false), setTimeout(this.options.stopMs, true, { ref: false })])
    if (late) worker.process.kill('SIGKILL')
    return ended
  }

  private sayOnce(line: string): void {
    if (this.said.has(line)) return
    this.said.add(line)
    this.options.say(line)
  }
}
