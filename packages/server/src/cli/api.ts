/** Calls the HTTP API of a running server for commands, and reports errors as sentences. */
import { ConfigError } from '../config/config-error.ts'
import { loadWithOrigins } from '../config/load.ts'
import { serverUrl } from '../node-server.ts'

/** How a command is called. */
export interface RemoteCommand {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly print: (line: string) => void
  /** Aborted to end a command that runs until it is stopped. */
  readonly signal: AbortSignal
}

/** Arguments of a command, read. */
export interface Remote<Flag extends string> {
  readonly api: Api
  readonly words: readonly string[]
  readonly flags: Readonly<Partial<Record<Flag, string>>>
  readonly asJson: boolean
}

const FLAGS = ['server', 'namespace', 'format'] as const

/**
 * Reads words and flags of a command.
 * @param usage as in `help`, with `<word>` for each required and `[word]` for each optional word
 * @throws ConfigError
 */
export function readRemote<const Flag extends string>(
  { argv, env }: Pick<RemoteCommand, 'argv' | 'env'>,
  usage: string,
  flags: readonly Flag[],
): Remote<Flag> {
  const end = argv.findIndex((word) => word.startsWith('--'))
  const words = end < 0 ? argv : argv.slice(0, end)
  const rest = end < 0 ? [] : argv.slice(end)
  const { settings, commandFlags } = loadWithOrigins({ argv: rest, env, commandFlags: [...FLAGS, ...flags] })
  const needed = usage.match(/<[\w|]+>/g)?.length ?? 0
  if (words.length < needed || words.length > (usage.match(/[<[][\w|]+[>\]]/g)?.length ?? 0)) {
    throw new ConfigError(`Write it as: roomful ${usage}.`)
  }
  const { apiKey, host, port, tlsCert, basePath } = settings
  const { server, namespace = '/', format } = commandFlags
  const asJson = readFormat(format)
  if (apiKey === undefined) {
    throw new ConfigError('Say the key of the server’s API: set ROOMFUL_API_KEY, here and where the server runs.')
  }
  const own = serverUrl(host, port, tlsCert !== undefined) + basePath
  return {
    api: new Api(checkUrl(server ?? own), apiKey, namespace),
    words,
    flags: commandFlags as Partial<Record<Flag, string>>,
    asJson,
  }
}

/** Reads a whole number from a flag or a word. @throws ConfigError */
export function readNumber(name: string, text: string, minimum: number): number {
  const value = Number(text)
  if (/^\d{1,15}$/.test(text) && value >= minimum) return value
  throw new ConfigError(`${name} must be a whole number from ${minimum}, not "${text}".`)
}

/** The server API of one server and namespace. */
export class Api {
  private readonly server: string
  private readonly key: string
  private readonly namespace: string

  constructor(server: string, key: string, namespace: string) {
    this.server = server
    this.key = key
    this.namespace = namespace
  }

  /** Reads a resource. @throws RemoteError (rejects) with a sentence for the user */
  async get(path: string, query: Readonly<Record<string, string | number | undefined>> = {}, signal?: AbortSignal) {
    const parameters = new URLSearchParams({ namespace: this.namespace })
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
    return this.ask(`${path}?${parameters}`, signal ? { signal } : {})
  }

  /** Changes something. @throws RemoteError (rejects) */
  async post(path: string, body: Readonly<Record<string, unknown>>, isOfNamespace = true) {
    return this.ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(isOfNamespace ? { namespace: this.namespace, ...body } : body),
    })
  }

  private async ask(path: string, init: RequestInit): Promise<Record<string, unknown>> {
    const headers = { ...init.headers, authorization: `Bearer ${this.key}` }
    const response = await fetch(`${this.server}/api/server/${path}`, { ...init, headers }).catch((error: unknown) => {
      if (init.signal?.aborted) throw error
      const { code } = ((error as Error).cause ?? {}) as { code?: string }
      const why = code === undefined ? '' : ` (${code})`
      throw new RemoteError(`No server answers at ${this.server}${why}. Start it, or name another one with --server.`)
    })
    const text = await response.text()
    if (response.ok) return JSON.parse(text) as Record<string, unknown>
    throw new RemoteError(this.refusal(response.status, text))
  }

  private refusal(status: number, text: string): string {
    const { code = '', message = '', field } = errorIn(text)
    // A 404 without a field means that the whole API is missing.
    if (status === 404 && field === undefined) return `${this.server} has no server API: start it with ROOMFUL_API_KEY.`
    if (status === 401) return `${this.server} does not take this API key (${code}).`
    return message === '' ? `${this.server} answered ${status}.` : `${message.replace(/\.$/, '')} (${code}).`
  }
}

interface WireError {
  readonly code?: string
  readonly message?: string
  readonly field?: string
}

/** The server refused, or did not answer. */
class RemoteError extends Error {
  override readonly name = 'RemoteError'
}

function errorIn(text: string): WireError {
  try {
    return (JSON.parse(text) as { error?: WireError }).error ?? {}
  } catch {
    return {}
  }
}

function checkUrl(server: string): string {
  if (/^https?:$/.test(URL.parse(server)?.protocol ?? '')) return server.replace(/\/+$/, '')
  throw new ConfigError(`--server must be an http or https URL, not "${server}".`)
}

/** Reads `--format`. @returns whether the output is JSON. @throws ConfigError */
export function readFormat(format = 'text'): boolean {
  if (format === 'text' || format === 'json') return format === 'json'
  throw new ConfigError(`--format must be "text" or "json", not "${format}".`)
}
