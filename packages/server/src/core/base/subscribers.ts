/** The listeners of an application for what happens in a namespace. One that throws does not affect the others. */

/** Names of events, each with what its listeners are given. */
type EventMap = Readonly<Record<string, readonly unknown[]>>

export class Subscribers<Events extends EventMap> {
  private readonly listeners = new Map<keyof Events, ((...args: never) => unknown)[]>()

  /** @param names everything that can be subscribed to */
  constructor(names: readonly (keyof Events)[]) {
    for (const name of names) this.listeners.set(name, [])
  }

  /** Whether this is something to subscribe to, rather than an event of a client. */
  has(event: string): event is keyof Events & string {
    return this.listeners.has(event)
  }

  /** Whether anything listens: what only listeners need is not made otherwise. */
  hasListeners(event: keyof Events): boolean {
    return (this.listeners.get(event)?.length ?? 0) > 0
  }

  add(event: keyof Events, listener: unknown): void {
    this.listeners.get(event)?.push(listener as (...args: never) => unknown)
  }

  /** @param onFailed gets what a listener threw, or what its promise was rejected with */
  notify<Name extends keyof Events>(event: Name, args: Events[Name], onFailed: (error: unknown) => void): void {
    for (const listener of this.listeners.get(event) ?? []) {
      try {
        const result = listener(...(args as never))
        if (result instanceof Promise) result.catch(onFailed)
      } catch (error) {
        onFailed(error)
      }
    }
  }
}
