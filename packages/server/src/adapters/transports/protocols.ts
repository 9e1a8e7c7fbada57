/** Protocols of an application over WebSocket: their paths and the dialect of their links. Also the echo of `/ws/echo`. */
import { decodePlain, isPersonalRoom, isRoomId, type WireError } from '@roomful/protocol'
import type { LinkOwner } from '../../core/link/link.ts'
import { ONE_WAY } from '../../core/link/one-way.ts'
import type { Namespace } from '../../core/namespace.ts'
import type { Dialect, Encoding } from '../../core/ports/dialect.ts'
import type { Protocol } from '../../core/raw-protocol.ts'
import { refuseBinary } from './dialects.ts'
import { binaryFrame, textFrame } from './websocket/frames.ts'

/** A protocol with the namespace that guards it. */
export interface Mounted {
  readonly namespace: Namespace
  readonly protocol: Protocol
  readonly dialect: Dialect
}

export class Protocols {
  private readonly byPrefix = new Map<string, Mounted>()

  /** @param path such as `/yjs`: links come on `/yjs/<room>` */
  add(path: string, namespace: Namespace, protocol: Protocol): void {
    if (!/^(\/[\w.-]+)+$/.test(path)) throw new Error(`${path} is no path; write it as /yjs`)
    const prefix = `${path}/`
    if (this.byPrefix.has(prefix)) throw new Error(`There is a protocol on ${path} already`)
    this.byPrefix.set(prefix, { namespace, protocol, dialect: protocolDialect(protocol) })
  }

  /** @returns the protocol of a path, and the room in the path; undefined for a room name that is not valid */
  find(path: string): { mounted: Mounted; roomId: string | undefined } | undefined {
    for (const [prefix, mounted] of this.byPrefix) {
      if (path.startsWith(prefix)) return { mounted, roomId: roomOf(path.slice(prefix.length)) }
    }
    return undefined
  }
}

/** Frames a message once, however many connections receive it. */
export function sharedFrame(data: Uint8Array): Uint8Array {
  const known = frames.get(data)
  if (known) return known
  const frame = binaryFrame(data)
  frames.set(data, frame)
  return frame
}

const frames = new WeakMap<Uint8Array, Uint8Array>()

function roomOf(path: string): string | undefined {
  try {
    // The same name can be typed in several Unicode forms.
    const roomId = decodeURIComponent(path).normalize('NFC')
    return isRoomId(roomId) && !isPersonalRoom(roomId) ? roomId : undefined
  } catch {
    return undefined
  }
}

/** Links of a protocol receive no events. As text they may send plain's `auth` and `ping`; they receive no text. */
function protocolDialect({ name, refusal }: Protocol): Dialect {
  const refuse = (error: WireError): Uint8Array => (refusal ? binaryFrame(refusal(error)) : NO_BYTES)
  return {
    name,
    resumes: false,
    multiplexed: false,
    view: 'all',
    encoding: () => NO_EVENTS,
    decode: (data) => [typeof data === 'string' ? onlyControl(data) : refuseBinary()],
    nameOf: (type) => type,
    ack: () => undefined,
    fail: (_channel, error) => refuse(error),
    control: () => undefined,
  }
}

const NO_EVENTS: Encoding = { key: 'none', encode: () => undefined }
const NO_BYTES = new Uint8Array(0)

function onlyControl(text: string): ReturnType<typeof decodePlain> {
  const inbound = decodePlain(text)
  return inbound.kind === 'request' ? refuseBinary() : inbound
}

const NO_ECHOED_EVENTS: Encoding = { key: 'ws:echo', encode: () => undefined }

/** Links of `/ws/echo`, which test suites of the WebSocket protocol use. They have no user and no namespace. */
export const echoDialect: Dialect = {
  ...ONE_WAY,
  name: 'echo',
  encoding: () => NO_ECHOED_EVENTS,
  fail: (_channel, { message }) => textFrame(message),
  control: () => undefined,
}

/**
 * Sends every message back.
 * @param prefix added in front of a text
 */
export function echo(prefix: string): LinkOwner {
  return {
    receive(link, data) {
      link.send(typeof data === 'string' ? textFrame(prefix + data) : binaryFrame(data))
      return true
    },
  }
}
