/** The option `durable` of `Server`: which events are stored, where, and what recovery promises. */
import type { Roomful } from '@roomful/server/core'

export interface DurableOptions {
  /** Names of events that this server emits; `*` stands for any characters. */
  events: readonly string[]
  /** The folder with the log, or `:memory:`. Default: `ROOMFUL_DATA`, or `./data`. */
  data?: string
  /** A Redis for the log, which other servers share. Default: `REDIS_URL`. */
  redisUrl?: string
  /** A server of `createRoomful` whose log and rooms are used; without it there is one by itself. */
  server?: Roomful
  /**
   * What the other clients of `server` get that are in a room or the namespace: its durable events, or `all`, without those of `local`
   * and those that ask for answers. Default `durable`.
   */
  bridge?: 'durable' | 'all'
  /**
   * A durable event that cannot be stored, since it is for several rooms or not for everyone in its room, throws. Without it, it is
   * sent to those connected now, with one warning for each name.
   */
  strict?: boolean
  /**
   * With `connectionStateRecovery`, what becomes of a client that missed other events which are gone: `best-effort` brings it
   * back all the same, `required` does not. Default `best-effort`.
   */
  transient?: 'best-effort' | 'required'
}

/** The option as it was checked. */
export interface DurableSettings extends Required<Pick<DurableOptions, 'strict' | 'transient' | 'bridge'>> {
  readonly isDurable: (event: unknown) => boolean
  readonly data: string | undefined
  readonly redisUrl: string | undefined
  readonly server: Roomful | undefined
}

const NAMES = new Set(['events', 'data', 'redisUrl', 'server', 'bridge', 'strict', 'transient'])

/** @throws TypeError for an option that is unknown or makes no sense */
export function durableSettings(given: readonly string[] | DurableOptions, recovers: boolean): DurableSettings {
  const options: DurableOptions = Array.isArray(given) ? { events: given } : (given as DurableOptions)
  for (const name of Object.keys(options)) if (!NAMES.has(name)) throw new TypeError(`durable.${name} is not an option`)
  const { events, data, redisUrl, server, bridge = 'durable', strict = false, transient = 'best-effort' } = options
  const isEmpty = events?.length === 0 && bridge === 'durable'
  if (!Array.isArray(events) || isEmpty || events.some((name) => typeof name !== 'string' || name === ''))
    throw new TypeError("durable takes names of events, such as ['message:new', 'order:*']")
  if (bridge !== 'durable' && bridge !== 'all') throw new TypeError('durable.bridge is durable or all')
  if (transient !== 'best-effort' && transient !== 'required')
    throw new TypeError('durable.transient is best-effort or required')
  if (transient === 'required' && !recovers)
    throw new TypeError(
      'durable.transient is required, so connectionStateRecovery must be on: it keeps the other events',
    )
  if (server && (data !== undefined || redisUrl !== undefined))
    throw new TypeError('durable.server has its own storage: leave durable.data and durable.redisUrl out')
  return { isDurable: matcher(events), data, redisUrl, server, bridge, strict, transient }
}

function matcher(events: readonly string[]): (event: unknown) => boolean {
  const exact = new Set(events.filter((name) => !name.includes('*')))
  const patterns = events
    .filter((name) => name.includes('*'))
    .map((name) => new RegExp(`^${name.split('*').map(escapeText).join('.*')}$`, 's'))
  return (event) => typeof event === 'string' && (exact.has(event) || patterns.some((pattern) => pattern.test(event)))
}

function escapeText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
