/** What a client's packets mean once it is known which connection they are for: events and answers. PROTOCOL.md 4 and 14. */
import { type Inbound, isRecord, readAuth, readRequest } from '@roomful/protocol'
import type { Packet } from 'socket.io-parser'
import { tooLarge } from '../../../core/link/link.ts'

export interface EventPacket {
  readonly channel: number
  readonly packet: Packet
  /** An event of this name has a schema, so what its data holds is known. */
  readonly isDeclared: (event: string) => boolean
  /** The application handles an event of this name, so it is not the protocol's. */
  readonly isHandled: (event: string) => boolean
  /** Set when attachments were dropped since they are more. */
  readonly exceeded: number | undefined
}

export function readEvent({ channel, packet, isDeclared, isHandled, exceeded }: EventPacket): Inbound {
  const [name, ...args] = packet.data as [unknown, ...unknown[]]
  const { id } = packet
  const event = String(name)
  if (exceeded !== undefined) return { kind: 'invalid', channel, error: tooLarge(exceeded), id, event }
  const [first] = args
  // Another token on the open connection.
  if (event === 'auth' && isRecord(first) && !isHandled(event)) return readAuth(channel, first)
  // As in plain, where no declared event has a field of this name. Elsewhere it may be anybody's data.
  if (isRecord(first) && args.length === 1 && first.key !== undefined && isDeclared(event)) {
    const { key, ...data } = first
    return readRequest(channel, event, [data], id, key)
  }
  return readRequest(channel, event, args, id, undefined)
}

/** Of several values the first one counts, as it does where Socket.IO's own server waits for an acknowledgement. */
export function readAnswer({ channel, packet, exceeded }: Omit<EventPacket, 'isDeclared' | 'isHandled'>): Inbound {
  const [data] = packet.data as readonly unknown[]
  const error = exceeded === undefined ? undefined : tooLarge(exceeded)
  return { kind: 'ack', channel, id: packet.id ?? 0, data, error }
}
