/**
 * `@roomful/server/core`: the parts from which other packages of Roomful build a server with another interface. They may
 * change in every version, so applications do not use them.
 */
import './require-node.ts'
import { createLocalBroker, createMemoryLog } from './adapters/brokers/local/index.ts'
import { systemClock, systemRandom } from './adapters/system/clock-and-random.ts'
import { RoomfulError } from './core/base/errors.ts'
import { CORE_DEFAULTS, type CoreSettings } from './core/base/settings.ts'
import { SlidingWindowLimiter } from './core/base/sliding-window.ts'
import { Hub } from './core/hub.ts'
import type { Observer } from './core/ports/observer.ts'

export { isPersonalRoom, isRoomId } from '@roomful/protocol'
export { systemClock, systemRandom } from './adapters/system/clock-and-random.ts'
export { NodeIds } from './adapters/transports/forwarding/node-ids.ts'
export { isOriginPattern, matchOrigin } from './adapters/transports/origin.ts'
export type { PollingForm } from './adapters/transports/polling-wire.ts'
export { type PacketBounds, PacketDecoder } from './adapters/transports/socketio/decoder.ts'
export { type Body, readBody } from './adapters/transports/socketio/http.ts'
export { ENGINE } from './adapters/transports/socketio/packets.ts'
export { EngineSession } from './adapters/transports/socketio/session.ts'
export { takesCursors } from './adapters/transports/socketio/transport.ts'
export { DeflateNegotiator } from './adapters/transports/websocket/deflate.ts'
export { BINARY, binaryFrame, payloadsOf, textFrame } from './adapters/transports/websocket/frames.ts'
export { FrameForms, shakeHands } from './adapters/transports/websocket/upgrade.ts'
export type { WebSocketWire } from './adapters/transports/websocket/wire.ts'
export type { Roomful } from './api.ts'
export { attachService, type HttpService } from './attachment.ts'
export { loadSettings } from './config/load.ts'
export { RoomfulError } from './core/base/errors.ts'
export { RateWindow } from './core/base/limits.ts'
export type { Timer } from './core/base/timer-wheel.ts'
export type { Hub } from './core/hub.ts'
export type { Link, LinkOwner } from './core/link/link.ts'
export { ONE_WAY } from './core/link/one-way.ts'
export type { Dialect } from './core/ports/dialect.ts'
export type { Fact, Observer } from './core/ports/observer.ts'
export { type LocalAudience, type LocalMember, LocalRooms, type LocalRoomsListener } from './core/rooms/local-rooms.ts'
export { createRoomful, createRoomfulLate } from './create.ts'
export type { RedisStorage } from './parts.ts'
export type { LoggedEvent, NewRow, RoomLog, RoomLogListener } from './room-log.ts'
export { handleOthers, openingRequestOf, openRoomLog } from './roomful.ts'

/**
 * A hub for links that answer by themselves: no accounts, no limits that were not asked for, nothing stored.
 * @param tickMs how exact its timers are
 */
export function openHub(settings: Partial<CoreSettings>, observer: Observer, tickMs: number): Hub {
  const clock = { ...systemClock, tickMs }
  const random = systemRandom
  const unknown = (): Promise<never> => Promise.reject(new RoomfulError('UNAUTHENTICATED'))
  return new Hub(
    { ...CORE_DEFAULTS, ratePerSecond: 0, maxConnectionsPerIp: 0, connectsPerMinute: 0, ...settings },
    {
      // Its memory is empty until something is stored.
      broker: createLocalBroker({ log: createMemoryLog({ clock, random }) }),
      authenticator: { authenticate: unknown },
      limiter: new SlidingWindowLimiter(clock),
      clock,
      random,
      observer,
    },
  )
}
