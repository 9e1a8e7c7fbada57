/** The first message to a client, with the limits: they are part of the protocol. PROTOCOL.md 2. */
import { MAX_JSON_DEPTH, PROTOCOL_VERSION, ROOM_ID_MAX_BYTES } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import type { Link } from '../link/link.ts'
import type { Connection } from '../state/namespace-state.ts'

/** Once per link. */
export function welcome(runtime: Runtime, link: Link<Connection>): void {
  if (link.welcomed) return
  link.welcomed = true
  link.control('welcome', undefined, welcomeData(runtime, link))
}

export function welcomeData(runtime: Runtime, link: Link<Connection>): Record<string, unknown> {
  const { settings, clock } = runtime
  const { maxMessageBytes, ratePerSecond, ratePerMinute, maxRooms, replayMax, dedupeWindowMs, sessionMs } = settings
  const { pingIntervalMs, pongTimeoutMs, connectsPerMinute, newRoomsPerMinute } = settings
  return {
    id: link.connections[0]?.id ?? `l_${runtime.random.id(20)}`,
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
