/** Listeners by name, kept apart from what calls them. A listener that throws harms neither the others nor the caller. */

type Listener = (...args: never[]) => void

/** Where what a listener throws goes. */
export type Report = (error: unknown) => void

export class Emitter<Events extends Record<keyof Events, unknown[]>> {
  readonly #listeners = new Map<keyof Events, Set<Listener>>()
  readonly #report: Report

  constructor(report: Report) {
    this.#report = report
  }

  /** @returns what takes the listener away again; calling it twice is harmless */
  on<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): () => void {
    const entry: Listener = (...args: never[]) => listener(...(args as unknown as Events[Name])) // one entry per `on`
    const entries = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, entries.add(entry))
    return () => {
      if (entries.delete(entry) && entries.size === 0 && this.#listeners.get(name) === entries) {
        this.#listeners.delete(name)
      }
    }
  }

  /** Calls those that were there when it began, in the order of their coming. */
  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        ;(listener as unknown as (...args: Events[Name]) => void)(...args)
      } catch (error) {
        this.#report(error)
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}
