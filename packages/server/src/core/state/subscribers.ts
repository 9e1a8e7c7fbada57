/** The listeners of an application for what happens in a namespace. One that throws does not affect the others. */

/** Names of events, each with what its listeners are given. */
type EventMap = Readonly<Record<string, readonly unknown[]>>
type Listener = (...args: never) => unknown

export class Subscribers<Events extends EventMap> {
  /** By event: what only listeners need is not made where there are none. */
  readonly listeners: Readonly<Record<keyof Events, Listener[]>>

  /** @param names everything that can be subscribed to */
  constructor(names: readonly (keyof Events)[]) {
    const listeners = names.map((name) => [name, [] as Listener[]] as const)
    this.listeners = Object.fromEntries(listeners) as Record<keyof Events, Listener[]>
  }

  /** Whether this is something to subscribe to, rather than an event of a client. */
  has(event: string): event is keyof Events & string {
    return Object.hasOwn(this.listeners, event)
  }

  add(event: keyof Events, listener: unknown): void {
    this.listeners[event].push(listener as Listener)
  }

  /** @param onFailed gets what a listener threw, or what its promise was rejected with */
  notify<Name extends keyof Events>(event: Name, args: Events[Name], onFailed: (error: unknown) => void): void {
    for (const listener of this.listeners[event]) {
      try {
        const result = listener(...(args as never))
        if (result instanceof Promise) result.catch(onFailed)
      } catch (error) {
        onFailed(error)
      }
    }
  }
}
