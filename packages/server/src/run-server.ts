/**
 * A server as a process: settings from where people put them, sentences when they are wrong, signals, exit codes. What
 * `roomful serve` and Commons have in common. G7, A2.4, C15.
 */

import { Log } from './adapters/observe/log.ts'
import { composeObservers } from './adapters/observe/metrics.ts'
import type { Roomful } from './api.ts'
import { ConfigError } from './config/config-error.ts'
import { loadSettings } from './config/load.ts'
import type { Settings } from './config/settings.ts'
import type { Observer } from './core/ports/observer.ts'
import { createRoomful } from './create.ts'

export interface ServerRun {
  /** Flags, without the names of program and command. */
  readonly argv: readonly string[]
  /** Usually `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /**
   * Declares what is served, before anyone is let in.
   * @returns what people are told besides once the server is there: lines for a terminal
   */
  readonly prepare: (roomful: Roomful) => readonly string[] | Promise<readonly string[]>
  /** Told of everything that happens, beside the log. */
  readonly observer?: Observer
  /** How a token is made here, as one would type it: `roomful token`. */
  readonly tokenCommand: string
}

export const EXIT_CODES = { ok: 0, failed: 1, badSettings: 2 } as const

/** A shutdown that is not over this long after its drain time is cut short. */
const SHUTDOWN_SLACK_MS = 10_000

/**
 * Serves until SIGTERM or SIGINT; a second one forces. People are spoken to on stderr, stdout has the log alone.
 * @returns the exit code
 */
export async function runServer({ argv, env, prepare, observer, tokenCommand }: ServerRun): Promise<number> {
  const signals = new ShutdownSignals(env)
  let settings: Settings | undefined
  let log: Log | undefined
  let roomful: Roomful | undefined
  try {
    settings = loadSettings({ argv, env })
    log = new Log(settings.logLevel)
    roomful = createRoomful({ ...settings, observer: observer ? composeObservers([log, observer]) : log })
    const notes = await prepare(roomful)
    const listening = roomful.listen()
    await Promise.race([listening, signals.first])
    if (!signals.isRequested) printLine(banner((await listening).url, settings, tokenCommand, notes))
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

function printLine(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}

function timeout(ms: number): Promise<'late'> {
  return new Promise((resolve) => setTimeout(resolve, ms, 'late').unref())
}

/** One sentence; what it came from is for those who look for it. */
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
 * SIGTERM and SIGINT as two promises: the first asks for a polite end, the second insists. Under npm one signal arrives
 * twice when it was meant for the whole process group (Ctrl-C, systemd), because npm passes on what it gets itself.
 */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** How soon after the first a signal of the same kind is the same one. A key press is never meant twice; a SIGTERM may be. */
const ECHO_MS: Readonly<Record<(typeof SIGNALS)[number], number>> = { SIGINT: 250, SIGTERM: 50 }

export class ShutdownSignals {
  readonly first: Promise<'first'>
  readonly second: Promise<'second'>
  isRequested = false

  /** Listens from now on. @param env tells whether npm runs this process */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    const first = Promise.withResolvers<'first'>()
    const second = Promise.withResolvers<'second'>()
    this.first = first.promise
    this.second = second.promise
    const isUnderNpm = env.npm_lifecycle_event !== undefined
    let firstAt = 0
    let firstSignal: NodeJS.Signals | undefined
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
