/**
 * Where Redis is and how it is reached: one server, several to ask one after another, a Cluster (detected by MOVED), or the
 * primary that Sentinels name. The package is loaded only here, and only when Redis is asked for.
 */
import { readFileSync } from 'node:fs'
import type { RedisClientOptions } from '@redis/client'
import { RefusedError } from './connection.ts'

interface CommandOptions {
  readonly typeMapping: Readonly<Record<number, unknown>>
}

/** What is used of a client. */
export interface RedisClient {
  sendCommand<T = unknown>(args: readonly (string | Buffer)[], options?: CommandOptions): Promise<T>
  sSubscribe(channel: string, listener: (message: string | Buffer) => void, inBytes: boolean): Promise<void>
  on(event: string, listener: (...args: never[]) => void): unknown
  destroy(): void
}

export interface Redis {
  /** A connected client of the server that holds the key; asked again for each attempt. */
  connect(key: string): Promise<RedisClient>
  /** An answer of Redis' own, as against a connection that went away. */
  isReply(error: unknown): error is Error
}

interface Places {
  readonly urls: readonly string[]
  /** The name by which Sentinels know the primary. */
  readonly primary: string | undefined
  /** Files (PEM): whose certificates are trusted, and what a server that wants to know its clients is shown. */
  readonly files: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

const MISSING =
  'REDIS_URL is set, but the package that speaks to Redis is not installed. Run: npm install @redis/client@^6.3.0'
const REDIRECTS_MAX = 5

/**
 * @param url `redis://[user:password@]host:port[,host:port…]/db`, `rediss://` with TLS, or
 *   `redis-sentinel://[user:password@]host:port[,host:port…]/name-of-the-primary`; with TLS `?ca=`, `cert=` and `key=`
 *   name files
 * @throws (rejects) RefusedError when the package is missing
 */
export async function openRedis(url: string): Promise<Redis> {
  const { createClient, ErrorReply } = await load()
  const places = parsePlaces(url)
  const tls = readFiles(places.files)

  const dial = async (options: RedisClientOptions): Promise<RedisClient> => {
    const client = createClient({
      ...options,
      RESP: 3,
      name: 'roomful',
      maintNotifications: 'disabled',
      disableClientInfo: true, // one command less that a user must be allowed
      socket: { ...options.socket, ...tls, reconnectStrategy: false, connectTimeout: 2_000 },
    } as RedisClientOptions)
    client.on('error', () => undefined) // each command that it concerns rejects
    try {
      await client.connect()
    } catch (error) {
      discard(client as unknown as RedisClient)
      throw error
    }
    return client as unknown as RedisClient
  }

  const dialFirst = async (urls: readonly string[], use: (client: RedisClient) => Promise<RedisClient>) => {
    let failure: unknown
    for (const each of urls) {
      try {
        return await use(await dial({ url: each }))
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  const askSentinel = async (sentinel: RedisClient, primary: string): Promise<RedisClient> => {
    const command = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primary]
    const address = await sentinel.sendCommand<[string, string] | null>(command).finally(() => discard(sentinel))
    if (!address) throw new RefusedError(`Sentinel does not know a primary named ${primary}. Check REDIS_URL.`)
    return dial({ url: withAddress(places.urls[0] as string, `${address[0]}:${address[1]}`) })
  }

  const follow = async (from: RedisClient, key: string): Promise<RedisClient> => {
    let client = from
    for (let hop = 0; hop < REDIRECTS_MAX; hop++) {
      try {
        await client.sendCommand(['EXISTS', key])
        return client
      } catch (error) {
        discard(client)
        const moved = /^MOVED \d+ (\S+)/.exec(error instanceof Error ? error.message : '')
        if (!moved) throw error
        client = await dial({ url: withAddress(places.urls[0] as string, moved[1] as string) })
      }
    }
    discard(client)
    throw new Error('Each node of the Redis Cluster named another one')
  }

  return {
    async connect(key) {
      const { urls, primary } = places
      if (primary !== undefined) return dialFirst(urls, (client) => askSentinel(client, primary))
      if (urls.length === 1) return dialFirst(urls, (client) => follow(client, key))
      return dialFirst(urls, async (client) => checkPrimary(await follow(client, key)))
    },
    isReply: (error): error is Error => error instanceof ErrorReply,
  }
}

/** Of several servers one is the primary, and after a failover another one. */
async function checkPrimary(client: RedisClient): Promise<RedisClient> {
  try {
    const info = await client.sendCommand<string>(['INFO', 'replication'])
    if (info.includes('role:slave')) throw new Error('Each Redis of REDIS_URL that answers is a read only replica')
    return client
  } catch (error) {
    discard(client)
    throw error
  }
}

async function load(): Promise<typeof import('@redis/client')> {
  try {
    return await import('@redis/client')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new RefusedError(MISSING, { cause: error })
  }
}

/** One URL for each host of the list. */
export function parsePlaces(url: string): Places {
  const match = /^(redis|rediss|redis-sentinel|rediss-sentinel):\/\/([^@/]*@)?([^/?]+)(\/[^?]*)?(\?.*)?$/.exec(url)
  if (!match) throw new RefusedError('REDIS_URL must be like redis://host:6379 or rediss://user:password@host:6380/0')
  const [, scheme = '', user = '', hosts = '', path = '', query = ''] = match
  const isSentinel = scheme.endsWith('-sentinel')
  const protocol = scheme.startsWith('rediss') ? 'rediss' : 'redis'
  const primary = path.slice(1)
  if (isSentinel && primary === '')
    throw new RefusedError('REDIS_URL must end with the name of the primary: redis-sentinel://host:26379/name')
  const { ca, cert, key, ...rest } = Object.fromEntries(new URLSearchParams(query))
  const others = new URLSearchParams(rest).toString()
  const suffix = isSentinel ? '' : path + (others === '' ? '' : `?${others}`)
  const urls = hosts.split(',').map((host) => `${protocol}://${user}${host}${suffix}`)
  const files = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
  return { urls, primary: isSentinel ? primary : undefined, files }
}

function readFiles(files: Places['files']): Record<string, Buffer> {
  const read: Record<string, Buffer> = {}
  for (const [name, path] of Object.entries(files)) {
    try {
      read[name] = readFileSync(path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new RefusedError(`REDIS_URL names ${path} for its ${name}, and that cannot be read (${code}).`)
    }
  }
  return read
}

function withAddress(url: string, address: string): string {
  const changed = new URL(url)
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at)
  // A Cluster that does not know its own address leaves the host out.
  if (host !== '') changed.hostname = host.includes(':') ? `[${host}]` : host
  changed.port = address.slice(at + 1)
  return changed.href
}

function discard(client: RedisClient): void {
  try {
    client.destroy()
  } catch {
    // It was closed already.
  }
}
