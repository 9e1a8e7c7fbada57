/** The classes without the maps of an application, for use between them. */
import type { Namespace } from './namespace.ts'
import type { Server } from './server.ts'
import type { Socket } from './socket.ts'

export type AnyServer = Server<any, any, any, any>
export type AnyNamespace = Namespace<any, any, any, any>
export type AnySocket = Socket<any, any, any, any>

/** Names of events of the package itself, which an application cannot emit. */
const RESERVED_EVENTS: ReadonlySet<string | symbol> = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
])

/** @throws Error for a name that is the package's own */
export function checkEventName(ev: unknown): void {
  if (RESERVED_EVENTS.has(ev as string)) throw new Error(`"${String(ev)}" is a reserved event name`)
}
