/** What is simulated: the house's own chat, or an application of yours with its namespaces, its events and its rules. */
import type { Broker } from '@roomful/server/testing'
import type { VirtualClock } from '../clock.ts'
import type { LoggedRoom } from '../history/check.ts'
import type { SetUp, TestServer } from '../server.ts'
import type { Speech } from './actors/actor.ts'

/** How things are when a run is over and everything is at rest. */
export interface Outcome {
  readonly server: TestServer | undefined
  readonly log: ReadonlyMap<string, LoggedRoom>
}

export interface Application extends Speech {
  /** Declares the namespaces, as your server does; called anew for each process. */
  readonly setUp: SetUp
  /** Rooms that clients are in; the first ones are used most. */
  readonly rooms: readonly string[]
  /** What else must hold in the end: throws when it does not. */
  readonly check?: ((outcome: Outcome) => void | Promise<void>) | undefined
  /** Stands between the server and its storage. */
  readonly broker?: ((broker: Broker, clock: VirtualClock) => Broker) | undefined
  /** Called with each process of the server before it takes links: to look inside, or to break something on purpose. */
  readonly onServer?: ((server: TestServer) => void) | undefined
}

/** The chat vocabulary, with a room that only admins may be in, one at a time. */
export const CHAT: Application = {
  namespace: '/',
  rooms: ['lobby', 'market', 'staff'],
  hears: ['message:new', 'message:edited', 'message:redacted'],
  setUp: (server) => {
    const namespace = server.namespace('/')
    namespace.room('staff', { capacity: 1, allow: { join: (user) => user.role === 'admin' } })
    namespace.room('*')
    server.chat(namespace)
  },
  say: (roomId, content) => ({ event: 'message:send', data: { roomId, content } }),
  revise: (roomId, seq, content) => ({ event: 'message:edit', data: { roomId, seq, content } }),
  takeBack: (roomId, seq) => ({ event: 'message:redact', data: { roomId, seq } }),
  whisper: (to, content) => ({ event: 'message:private', data: { to, content } }),
  hearsWhispers: 'message:private',
  chatter: (roomId) => [
    { event: 'typing:start', data: { roomId } },
    { event: 'reaction:send', data: { roomId, emoji: '👍' } },
  ],
  check: ({ server }) => {
    for (const { user } of server?.get('/').state.rooms.get('staff')?.seats.values() ?? []) {
      if (user.role !== 'admin') throw new Error(`${user.sub} is in staff, and is no admin`)
    }
  },
}
