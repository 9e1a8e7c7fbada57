/** Runs a server as a process, for `roomful serve` and Commons: settings, messages, signals, exit codes. G7, A2.4, C15. */

import type { Log } from './adapters/observe/log.ts'
import { composeObservers } from './adapters/observe/observers.ts'
import type { Roomful } from './api.ts'
import { ConfigError } from './config/config-error.ts'
import { loadSettings } from './config/load.ts'
import type { Settings } from './config/settings-type.ts'
import type { Observer } from './core/ports/observer.ts'
import { createRoomful } from './create.ts'
import { isWorker, runWorkers, toMessage, type WorkerMessage } from './workers.ts'

/** How a server is run. */
export interface ServerRun {
  /** Flags, without the names of program and command. */
  readonly argv: readonly string[]
  /** Usually `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /**
   * Declares what is served, before the server listens.
   * @returns lines to print once it listens; what begins with the server may add some
   */
  readonly prepare: (roomful: Roomful) => readonly string[] | Promise<readonly string[]>
  /** Receives every fact, besides the log. */
  readonly observer?: Observer
  /** The command that prints a token: `roomful token`. */
  readonly tokenCommand: string
}

/** Exit codes of the process. */
export const EXIT_CODES = { ok: 0, failed: 1, badSettings: 2 } as const

/** A shutdown that takes longer than its drain time and this is cut off. */
const SHUTDOWN_SLACK_MS = 10_000

/**
 * Serves until SIGTERM or SIGINT; a second signal ends at once. Messages for people go to stderr, the log to stdout.
 * @returns the exit code
 * @example
 * const { argv, env } = process
 * process.exitCode = await runServer({ argv: argv.slice(2), env, prepare: () => [], tokenCommand: 'roomful token' })
 */
export async function runServer({ argv, env, prepare, observer, tokenCommand }: ServerRun): Promise<number> {
  const signals = new ShutdownSignals(env, isWorker())
  let settings: Settings | undefined
  let log: Log | undefined
  let roomful: Roomful | undefined
  try {
    settings = loadSettings({ argv, env })
    if (settings.workers > 1 && !isWorker()) {
      const stopMs = settings.drainMs + 2 * SHUTDOWN_SLACK_MS
      return await runWorkers({ count: settings.workers, stopMs, say: printLine, ...signals })
    }
    log = await openLog(settings)
    const telemetry = settings.opentelemetry ? await loadOpenTelemetry(settings.opentelemetryRatio) : undefined
    const observers = [log, observer, telemetry].filter((reader) => reader !== undefined)
    roomful = createRoomful({ ...settings, observer: composeObservers(observers) })
    const preparing = Promise.resolve(prepare(roomful))
    preparing.catch(() => undefined) // also when a signal came first
    const notes = await Promise.race([preparing, signals.first])
    if (notes === 'first') {
      await roomful.close()
      return EXIT_CODES.ok
    }
    const listening = roomful.listen()
    await Promise.race([listening, signals.first])
    if (!signals.isRequested) announce(banner((await listening).url, settings, tokenCommand, notes))
    await signals.first
    const deadline = timeout(settings.drainMs + SHUTDOWN_SLACK_MS)
    const ending = await Promise.race([roomful.close(), signals.second, deadline])
    if (ending === undefined) return EXIT_CODES.ok
    printLine(ending === 'late' ? 'Shutting down took too long; stopped where it was.' : 'Stopped at once, as asked.')
    return EXIT_CODES.failed
  } catch (error) {
    printLine(explain(error, settings))
    await roomful?.close().catch((late: unknown) => printLine(explain(late, settings)))
    return error instanceof ConfigError ? EXIT_CODES.badSettings : EXIT_CODES.failed
  } finally {
    log?.close()
  }
}

/** @throws ConfigError (rejects) where pino, an optional peer, is not installed */
async function openLog({ logLevel }: Settings): Promise<Log> {
  try {
    const { Log } = await import('./adapters/observe/log.ts')
    return new Log(logLevel)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new ConfigError('A server that runs as a program writes its log with pino. Run: npm install pino@^10.4.0', {
      cause: error,
    })
  }
}

/** @throws ConfigError (rejects) where the package is not installed */
async function loadOpenTelemetry(sampleRatio: number): Promise<Observer> {
  const name: string = '@roomful/opentelemetry' // its types are of this package
  try {
    const { openTelemetry } = (await import(name)) as { openTelemetry: (options: { sampleRatio: number }) => Observer }
    return openTelemetry({ sampleRatio })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    const sentence =
      'ROOMFUL_OPENTELEMETRY is on, which needs a package. Run: npm install @roomful/opentelemetry @opentelemetry/api'
    throw new ConfigError(sentence, { cause: error })
  }
}

/** Of several processes only one says it. */
function announce(text: string): void {
  if (!isWorker()) return printLine(text)
  process.send?.({ roomful: 'listening', lines: text.split('\n') } satisfies WorkerMessage)
}

function printLine(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}

function timeout(ms: number): Promise<'late'> {
  return new Promise((resolve) => setTimeout(resolve, ms, 'late').unref())
}

/** An error as one sentence; with its stack when the log level is `debug` or `trace`. */
function explain(error: unknown, settings: Settings | undefined): string {
  if (!(error instanceof Error)) return `Roomful could not start: ${String(error)}`
  const wantsStack = settings?.logLevel === 'debug' || settings?.logLevel === 'trace'
  if (wantsStack) return error.stack ?? error.message
  const { code } = error as NodeJS.ErrnoException
  if (settings === undefined || code === undefined) return error.message
  const { port, host } = settings
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} of ${host} is in use. Stop what uses it, or set PORT to another one (0 takes a free one).`
    case 'EACCES':
      return `Port ${port} of ${host} may not be used by this user. Set PORT to one above 1023.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST is ${host}, which is no address of this machine.`
    default:
      return error.message
  }
}

function banner(url: string, settings: Settings, tokenCommand: string, notes: readonly string[]): string {
  const { data, jwtSecret } = settings
  const isKept = jwtSecret !== undefined || data !== ':memory:'
  const sameData = jwtSecret === undefined && data !== './data' ? ` --data ${data}` : ''
  const sameSecret = jwtSecret === undefined ? '' : '   (with the same JWT_SECRET)'
  const token = `  a token       ${tokenCommand} --sub alice --name Alice${sameData}${sameSecret}`
  const account = '{"username":"alice","password":"a long password"}'
  return [
    `Roomful is on ${url}`,
    ...notes.map((note) => `  ${note}`),
    `  try it        ${url}/client.html   (a name is enough)`,
    ...(isKept ? [token] : []),
    `  an account    curl ${url}/api/users -H 'content-type: application/json' -d '${account}'`,
  ].join('\n')
}

/**
 * The signals of a shutdown: the first asks for a graceful one, the second forces it. Under npm a signal to the process
 * group (Ctrl-C, systemd) arrives twice, because npm forwards the one that it receives.
 */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** The same signal within this time is npm's copy. A second Ctrl-C takes longer; a second SIGTERM may be quick. */
const ECHO_MS: Readonly<Record<(typeof SIGNALS)[number], number>> = { SIGINT: 250, SIGTERM: 50 }

/** SIGTERM and SIGINT as two promises. A worker is asked by the process above it, which has got the same signal. */
class ShutdownSignals {
  readonly first: Promise<'first'>
  readonly second: Promise<'second'>
  isRequested = false

  /** Listens from now on. @param env shows whether npm runs this process */
  constructor(env: Readonly<Record<string, string | undefined>>, isOneOfSeveral: boolean) {
    const first = Promise.withResolvers<'first'>()
    const second = Promise.withResolvers<'second'>()
    this.first = first.promise
    this.second = second.promise
    const isUnderNpm = env.npm_lifecycle_event !== undefined
    let firstAt = 0
    let firstSignal: NodeJS.Signals | undefined
    if (isOneOfSeveral) {
      process.on('message', (given: unknown) => {
        if (toMessage(given)?.roomful !== 'stop') return
        this.isRequested = true
        first.resolve('first')
      })
      for (const signal of SIGNALS) {
        process.on(signal, () => {
          if (signal === 'SIGINT') return // Ctrl-C reaches every process of the terminal
          this.isRequested = true
          first.resolve('first')
        })
      }
      process.on('SIGHUP', () => undefined)
      return
    }
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        const now = performance.now()
        const isEcho = isUnderNpm && signal === firstSignal && now - firstAt < ECHO_MS[signal]
        if (this.isRequested && !isEcho) return second.resolve('second')
        if (this.isRequested) return
        this.isRequested = true
        firstAt = now
        firstSignal = signal
        first.resolve('first')
      })
    }
  }
}
