/** The options of the engine, with the names and defaults of Engine.IO. */
import type { IncomingMessage } from 'node:http'
import type { ZlibOptions } from 'node:zlib'
import type { CorsOptions, CorsOptionsDelegate } from 'cors'
import type { RoomfulOptions } from '../own-options.ts'

/** Name of a transport. */
export type TransportName = 'polling' | 'websocket' | 'webtransport'

export interface CookieOptions {
  name?: string
  path?: string
  domain?: string
  httpOnly?: boolean
  secure?: boolean
  maxAge?: number
  expires?: Date
  sameSite?: boolean | 'lax' | 'strict' | 'none'
  [option: string]: unknown
}

/** Compression of what is larger than a threshold. */
export interface CompressionOptions extends ZlibOptions {
  threshold?: number
  [option: string]: unknown
}

export interface EngineOptions {
  /** How long a client may take to answer a ping, in ms. Default 20000. */
  pingTimeout?: number
  /** Time between two pings in ms. Default 25000. */
  pingInterval?: number
  /** How long a client may take to change its transport, in ms. Default 10000. */
  upgradeTimeout?: number
  /** Largest message in bytes. Default 1e6. */
  maxHttpBufferSize?: number
  /** Asked at each handshake, after the middlewares. */
  allowRequest?: (req: IncomingMessage, fn: (err: string | null | undefined, success: boolean) => void) => void
  /** Default polling and websocket. */
  transports?: TransportName[]
  allowUpgrades?: boolean
  perMessageDeflate?: boolean | CompressionOptions
  httpCompression?: boolean | CompressionOptions
  /** A message that follows the handshake. */
  initialPacket?: string | Buffer
  /** The name of a cookie with the id of the session, or its options. */
  cookie?: CookieOptions | boolean
  /** Of the package `cors`. */
  cors?: CorsOptions | CorsOptionsDelegate
  /** Lets clients of Socket.IO 2 in. */
  allowEIO3?: boolean
  /** Ignored, with a warning. */
  wsEngine?: unknown
  /** How long the body of a POST may take, in ms. Default 30000. */
  httpRequestBodyTimeout?: number
  /** What Socket.IO's own server does not bound or check. */
  roomful?: RoomfulOptions
}

export interface AttachOptions {
  path?: string
  /** Ends upgrades that no listener takes. Default true, while nothing else listens for upgrades. */
  destroyUpgrade?: boolean
  destroyUpgradeTimeout?: number
  addTrailingSlash?: boolean
}

/** The options with their defaults. They are read at each use, so that a running server can be changed. */
export interface EngineSettings extends EngineOptions {
  pingTimeout: number
  pingInterval: number
  upgradeTimeout: number
  maxHttpBufferSize: number
  transports: TransportName[]
  allowUpgrades: boolean
  httpCompression: CompressionOptions | false
  perMessageDeflate: CompressionOptions | false
  allowEIO3: boolean
  httpRequestBodyTimeout: number
  cookie: (CookieOptions & { name: string }) | false
}

const COMPRESSION_THRESHOLD = 1024

export function settingsOf(given: EngineOptions): EngineSettings {
  const { perMessageDeflate, httpCompression = {}, cookie } = given
  return {
    pingTimeout: 20_000,
    pingInterval: 25_000,
    upgradeTimeout: 10_000,
    maxHttpBufferSize: 1e6,
    transports: ['polling', 'websocket'],
    allowUpgrades: true,
    allowEIO3: false,
    httpRequestBodyTimeout: 30_000,
    ...given,
    httpCompression: compression(httpCompression),
    perMessageDeflate: compression(perMessageDeflate),
    cookie: cookie
      ? { name: 'io', path: '/', httpOnly: true, sameSite: 'lax', ...(cookie === true ? {} : cookie) }
      : false,
  }
}

function compression(given: boolean | CompressionOptions | undefined): CompressionOptions | false {
  if (!given) return false
  return { threshold: COMPRESSION_THRESHOLD, ...(given === true ? {} : given) }
}
