/** What Socket.IO's own server does not bound or check, as the option `roomful` of `Server`. */
import { isOriginPattern, matchOrigin, type PacketBounds } from '@roomful/server/core'

export interface RoomfulOptions {
  /**
   * The Redis by which the servers of an application find each other; `false` for a server that stays alone. Default: `REDIS_URL`.
   */
  redisUrl?: string | false
  /**
   * For the days of a move: servers of Socket.IO with `@socket.io/redis-adapter` on the same Redis are reached, and listened to. A text
   * is the `key` of their adapter. With that adapter as the option `adapter`, it only leaves out the warning.
   */
  redisAdapter?: boolean | string
  /** Programs with `@socket.io/redis-emitter` on the same Redis are listened to. A text is their `key`. */
  redisEmitter?: boolean | string
  /** The name of the application, which all its servers have. Default: the name in its `package.json`. */
  application?: string
  /**
   * Pages that may connect, besides those of this server itself, as browsers write their origin; `:*` stands for any port.
   * Others are refused with 403 on every transport. Without it any page may, as with Socket.IO, whatever `cors` says.
   * @example new Server(httpServer, { roomful: { origins: ['https://app.example.com'] } })
   */
  origins?: readonly string[]
  /** Packets that one link may send in any second; a link that sends more is closed. Default 0: any number. */
  packetsPerSecond?: number
  /** Links that one address may have (of IPv6 a /64); those of this machine do not count. Default 0: any number. */
  linksPerAddress?: number
  /** New links of one address in any minute; those of this machine do not count. Default 0: any number. */
  connectsPerMinute?: number
  /** Levels of arrays and objects in each other; a deeper packet ends its link. Default 1000. */
  maxDepth?: number
  /** Attachments of one packet; more end the link. Default 10. */
  maxAttachments?: number
  /**
   * Bytes that may wait for a client which reads slowly; more close its link with `transport close`. Default four times
   * `maxHttpBufferSize`, at least 4 MiB.
   */
  maxWaitingBytes?: number
  /**
   * When a volatile event is dropped: `turn`, while anything waits for the client, also what was emitted right before it, as
   * Socket.IO does; `behind`, only while the client has not taken what was written earlier. Default `turn`.
   */
  volatile?: 'turn' | 'behind'
}

/** The options with their defaults, checked. */
export interface OwnSettings extends PacketBounds {
  readonly origins: readonly string[] | undefined
  readonly packetsPerSecond: number
  readonly linksPerAddress: number
  readonly connectsPerMinute: number
  readonly maxWaitingBytes: number
  readonly volatile: 'turn' | 'behind'
}

const WAITING_MIN_BYTES = 4 * 1024 * 1024
/** Messages of the largest size that may wait. */
const WAITING_MESSAGES = 4
const DEPTH = 1_000
const ATTACHMENTS = 10

/** @throws TypeError, RangeError for an option that is unknown or makes no sense */
export function ownSettings(given: RoomfulOptions = {}, maxHttpBufferSize: number): OwnSettings {
  const { origins, volatile = 'turn', ...others } = given
  const { redisUrl: _url, application: _name, redisAdapter: _adapter, redisEmitter: _emitter, ...numbers } = others
  for (const pattern of origins ?? []) {
    if (!isOriginPattern(pattern))
      throw new TypeError(`roomful.origins: ${JSON.stringify(pattern)} is not an origin, such as https://example.com`)
  }
  if (volatile !== 'turn' && volatile !== 'behind') throw new TypeError('roomful.volatile is turn or behind')
  const settings = {
    packetsPerSecond: 0,
    linksPerAddress: 0,
    connectsPerMinute: 0,
    maxDepth: DEPTH,
    maxAttachments: ATTACHMENTS,
    maxWaitingBytes: Math.max(WAITING_MIN_BYTES, maxHttpBufferSize * WAITING_MESSAGES),
  }
  for (const [name, value] of Object.entries(numbers)) {
    if (!(name in settings)) throw new TypeError(`roomful.${name} is not an option`)
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`roomful.${name} is a whole number, 0 or more`)
  }
  return { ...settings, ...numbers, origins, volatile }
}

/** Whether a page may connect. Programs that are no pages send no origin. */
export function isForeign(origin: string | undefined, host: string | undefined, { origins }: OwnSettings): boolean {
  return origins !== undefined && origin !== undefined && matchOrigin(origin, host, origins) === undefined
}
