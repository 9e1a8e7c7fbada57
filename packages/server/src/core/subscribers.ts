/** Who is told of what happens in a namespace: the listeners of the application, of which one that throws harms nobody. */
import type { Connection } from './connection.ts'
import type { StoredEvent } from './effects.ts'
import type { User } from './user.ts'

/** What happens in a namespace, for those who subscribe with `on`. */
export interface NamespaceEvents {
  connect: [connection: Connection]
  disconnect: [connection: Connection, reason: string]
  join: [connection: Connection, roomId: string]
  leave: [connection: Connection, roomId: string, reason: string]
  /** A user is in the room who was not, with however many connections. */
  enter: [user: User, roomId: string]
  /** The last connection of a user left the room, and so did the grace of those that were cut off. G6. */
  exit: [user: User, roomId: string, reason: string]
  /**
   * A durable event is in the log and was sent to its room: once per event, in the order of the log, and not for a repeat
   * under the same key. It runs after the acknowledgement is decided, so it cannot refuse; an event that was stored just
   * before a crash is not announced again.
   * @example namespace.on('stored', ({ type, roomId, data }) => { if (type === 'message:new') index(roomId, data) })
   */
  stored: [event: StoredEvent]
}

export type Listener<Name extends keyof NamespaceEvents> = (...args: NamespaceEvents[Name]) => unknown
type Listeners = { [Name in keyof NamespaceEvents]: Listener<Name>[] }

export class Subscribers {
  private readonly listeners: Listeners = {
    ...{ connect: [], disconnect: [], join: [], leave: [], enter: [], exit: [], stored: [] },
  }

  /** Whether this is something to subscribe to, and no event of a client. */
  has(event: string): event is keyof NamespaceEvents {
    return Object.hasOwn(this.listeners, event)
  }

  /** Whether anything listens: what only listeners need is not made otherwise. */
  hasListeners(event: keyof NamespaceEvents): boolean {
    return this.listeners[event].length > 0
  }

  add(event: keyof NamespaceEvents, listener: unknown): void {
    ;(this.listeners[event] as unknown[]).push(listener)
  }

  /** @param onFailed told what a listener threw, or how its promise ended */
  tell<Name extends keyof NamespaceEvents>(
    event: Name,
    args: NamespaceEvents[Name],
    onFailed: (error: unknown) => void,
  ): void {
    for (const listener of this.listeners[event]) {
      try {
        const result = listener(...args)
        if (result instanceof Promise) result.catch(onFailed)
      } catch (error) {
        onFailed(error)
      }
    }
  }
}
