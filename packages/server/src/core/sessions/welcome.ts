/** The first message to a client, with the limits: they are part of the protocol. PROTOCOL.md 2. */
import { MAX_JSON_DEPTH, PROTOCOL_VERSION, ROOM_ID_MAX_BYTES } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import type { CoreSettings } from '../base/settings.ts'
import type { Link } from '../link/link.ts'
import type { Connection } from '../state/namespace-state.ts'

/** Once per link. */
export function welcome(runtime: Runtime, link: Link<Connection>): void {
  if (link.welcomed) return
  link.welcomed = true
  link.control('welcome', undefined, welcomeData(runtime, link))
}

export function welcomeData({ settings, clock, random }: Runtime, link: Link<Connection>): Record<string, unknown> {
  return {
    id: link.connections[0]?.id ?? `l_${random.id(20)}`,
    now: clock.now(),
    protocol: PROTOCOL_VERSION,
    ...sharedPart(settings),
  }
}

/** What all clients of a server are sent. */
const sharedParts = new WeakMap<CoreSettings, { readonly limits: object; readonly heartbeat: object }>()

function sharedPart(settings: CoreSettings): { readonly limits: object; readonly heartbeat: object } {
  const known = sharedParts.get(settings)
  if (known) return known
  const { maxMessageBytes, ratePerSecond, ratePerMinute, maxRooms, replayMax, dedupeWindowMs, sessionMs } = settings
  const { pingIntervalMs, pongTimeoutMs, connectsPerMinute, newRoomsPerMinute } = settings
  const { presencePerSecond, streamIdleMs, streamMaxLength, streamPiecesPerSecond, streamCharsPerSecond } = settings
  const part = {
    limits: {
      maxMessageBytes,
      ratePerSecond,
      ratePerMinute,
      connectsPerMinute,
      newRoomsPerMinute,
      maxRooms,
      maxRoomIdBytes: ROOM_ID_MAX_BYTES,
      maxJsonDepth: MAX_JSON_DEPTH,
      replayMax,
      dedupeWindowMs,
      sessionMs,
      presencePerSecond,
      streamIdleMs,
      streamMaxLength,
      streamPiecesPerSecond,
      streamCharsPerSecond,
    },
    heartbeat: { pingIntervalMs, pongTimeoutMs },
  }
  sharedParts.set(settings, part)
  return part
}
