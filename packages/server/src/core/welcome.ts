/** What a client is told first: the limits are part of the protocol. WIRE 3. */
import { MAX_JSON_DEPTH, PROTOCOL_VERSION, ROOM_ID_MAX_BYTES } from '@roomful/protocol'
import type { Hub } from './hub.ts'
import type { Link } from './link.ts'

/** Once per link. */
export function welcome(hub: Hub, link: Link): void {
  if (link.welcomed) return
  link.welcomed = true
  link.control('welcome', undefined, welcomeData(hub, link))
}

export function welcomeData(hub: Hub, link: Link): Record<string, unknown> {
  const { settings, clock } = hub
  const { maxMessageBytes, ratePerSecond, ratePerMinute, maxRooms, replayMax, dedupeWindowMs, sessionMs } = settings
  const { pingIntervalMs, pongTimeoutMs, connectsPerMinute, newRoomsPerMinute } = settings
  return {
    id: link.connections[0]?.id ?? `l_${hub.random.id(20)}`,
    now: clock.now(),
    protocol: PROTOCOL_VERSION,
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
    },
    heartbeat: { pingIntervalMs, pongTimeoutMs },
  }
}
