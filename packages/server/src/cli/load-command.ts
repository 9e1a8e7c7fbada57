/** The command `load`: how many clients and messages a server carries, seen from outside. docs/load.md. */
import { writeFileSync } from 'node:fs'
import { TokenIssuer } from '../adapters/auth/jwt.ts'
import { findSecret } from '../adapters/auth/secret.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadWithOrigins } from '../config/load.ts'
import { serverUrl } from '../node-server.ts'
import { readNumber } from './api.ts'
import { LOAD_CLIENTS, type LoadDialect } from './load/clients.ts'
import { reportInHtml } from './load/report.ts'
import { runLoad, type Second } from './load/run.ts'

export interface LoadCommand {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly print: (line: string) => void
  /** Aborted to end it early, with what there is so far. */
  readonly signal: AbortSignal
}

const FLAGS = [
  'server',
  'namespace',
  'dialect',
  'rooms',
  'clients',
  'rate',
  'seconds',
  'connect-rate',
  'report',
  'as',
] as const
const DAY_MS = 86_400_000

/** @returns (resolves) false when deliveries are missing. @throws ConfigError; Error when no client could connect (both reject) */
export async function load({ argv, env, print, signal }: LoadCommand): Promise<boolean> {
  const { settings, commandFlags } = loadWithOrigins({ argv, env, commandFlags: [...FLAGS] })
  const flags = commandFlags as Readonly<Partial<Record<(typeof FLAGS)[number], string>>>
  const { host, port, tlsCert, basePath } = settings
  const { dialect = 'plain', as = 'guests' } = flags
  if (!Object.hasOwn(LOAD_CLIENTS, dialect)) {
    throw new ConfigError(`--dialect must be ${Object.keys(LOAD_CLIENTS).join(', ')}, not "${dialect}".`)
  }
  if (as !== 'guests' && as !== 'users') throw new ConfigError(`--as must be "guests" or "users", not "${as}".`)
  const number = (name: (typeof FLAGS)[number], otherwise: number): number =>
    readNumber(`--${name}`, flags[name] ?? String(otherwise), 1)
  const clients = number('clients', 100)
  const rooms = Math.min(number('rooms', 10), clients)
  const [rate, seconds] = [number('rate', 50), number('seconds', 30)]
  const url = (flags.server ?? serverUrl(host, port, tlsCert !== undefined) + basePath).replace(/\/+$/, '')
  const namespace = flags.namespace ?? (as === 'guests' ? '/public' : '/')
  const credentials: Record<string, string>[] = []
  if (as === 'users') {
    const issuer = new TokenIssuer({ secret: findSecret(settings.jwtSecret, settings.data).bytes, audience: settings.jwtAudience, issuer: settings.jwtIssuer, now: Date.now }) // biome-ignore format: one call
    for (let i = 0; i < clients; i++) {
      const sub = `load-${i}`
      credentials.push({ token: await issuer.issueToken({ sub, name: sub, role: 'user' }, DAY_MS) })
    }
  } else for (let i = 0; i < clients; i++) credentials.push({ name: `Load ${i}` })
  const title = `${clients} ${dialect} clients in ${rooms} rooms, ${rate} messages a second for ${seconds} s`
  print(`${title}: ${url}${namespace}`)
  const result = await runLoad({
    ...{ url, namespace, rooms, clients, rate, seconds, signal },
    dialect: dialect as LoadDialect,
    connectRate: number('connect-rate', 100),
    credentialsOf: (client) => credentials[client] ?? {},
    onSecond: (second) => print(lineOf(second)),
  })
  for (const [name, value] of Object.entries(result.totals)) print(`${name.padEnd(40)}${value}`)
  if (flags.report !== undefined) {
    writeFileSync(flags.report, reportInHtml(title, result))
    print(`The report is in ${flags.report}`)
  }
  return result.missing === 0
}

function lineOf({ at, connected, sent, acknowledged, refused, received, deliveryP50, deliveryP99 }: Second): string {
  const counts = `${connected} clients  sent ${sent}  acknowledged ${acknowledged}  refused ${refused}  received ${received}`
  return `${at.toFixed(0).padStart(4)} s  ${counts}  delivery ${deliveryP50} · ${deliveryP99} ms`
}
