/** What is simulated: the built-in chat, or an application with namespaces, events and rules of its own. */
import type { Broker } from '@roomful/server/testing'
import type { VirtualClock } from '../clock.ts'
import type { LoggedRoom } from '../history/sent.ts'
import type { SetUp, TestServer } from '../server.ts'
import type { Vocabulary } from './actors/actor.ts'
import type { Extras } from './facts/companion.ts'

/** The state at the end of a run, once everything is quiet. */
export interface Outcome {
  readonly server: TestServer | undefined
  readonly log: ReadonlyMap<string, LoggedRoom>
}

export interface Application extends Vocabulary {
  /** Declares the namespaces, as your server does; called for each process. */
  readonly setUp: SetUp
  /** Rooms that clients are in; the first ones are used most. */
  readonly rooms: readonly string[]
  /** What clients do beside messages, with what must hold of it. */
  readonly extras?: Extras | undefined
  /** Has the server itself store an event, without a key. */
  readonly announce?: ((server: TestServer, roomId: string, text: string) => Promise<unknown>) | undefined
  /** Checks what else must hold in the end. Throws when it does not. */
  readonly check?: ((outcome: Outcome) => void | Promise<void>) | undefined
  /** Stands between the server and its storage. */
  readonly broker?: ((broker: Broker, clock: VirtualClock) => Broker) | undefined
  /** Called with each process of the server before it takes links: to look inside, or to break something on purpose. */
  readonly onServer?: ((server: TestServer) => void) | undefined
}

/** Declares its namespace. */
export function setUpChat(server: TestServer): ReturnType<TestServer['get']> {
  const namespace = server.namespace('/')
  namespace.room('staff', { capacity: 1, allow: { join: (user) => user.role === 'admin' } })
  namespace.room('market', { readPositions: 'members' })
  namespace.room('*')
  server.chat(namespace)
  return namespace
}

/** The chat vocabulary, with a room that only admins may be in, one at a time. */
export const CHAT: Application = {
  namespace: '/',
  rooms: ['lobby', 'market', 'staff'],
  events: ['message:new', 'message:edited', 'message:redacted'],
  setUp: (server) => {
    setUpChat(server)
  },
  say: (roomId, content) => ({ event: 'message:send', data: { roomId, content } }),
  revise: (roomId, seq, content) => ({ event: 'message:edit', data: { roomId, seq, content } }),
  takeBack: (roomId, seq) => ({ event: 'message:redact', data: { roomId, seq } }),
  sendPrivate: (to, content) => ({ event: 'message:private', data: { to, content } }),
  privateEvent: 'message:private',
  announce: (server, roomId, content) =>
    server.get('/').publish(roomId, 'message:new', [{ userId: 'host', name: 'host', content }]),
  chatter: (roomId) => [
    { event: 'typing:start', data: { roomId } },
    { event: 'reaction:send', data: { roomId, emoji: '👍' } },
  ],
  check: ({ server }) => {
    for (const { user } of server?.get('/').state.rooms.get('staff')?.users.values() ?? []) {
      if (user.role !== 'admin') throw new Error(`${user.sub} is in staff, and is no admin`)
    }
  },
}
