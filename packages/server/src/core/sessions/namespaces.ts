/** The namespaces of a server by name, and what works for each of them. */
import type { RequestParts } from '../requests/handlers.ts'
import type { Inboxes } from '../rooms/inboxes.ts'
import type { OpenRooms } from '../rooms/open-rooms.ts'
import type { RoomPresence } from '../rooms/presence/room-presence.ts'
import type { UserPresence } from '../rooms/presence/user-presence.ts'
import type { NamespaceState } from '../state/namespace-state.ts'

export interface NamespaceParts {
  readonly state: NamespaceState
  readonly rooms: OpenRooms
  readonly presence: RoomPresence
  readonly users: UserPresence
  readonly inboxes: Inboxes
  readonly requests: RequestParts
}

export class Namespaces {
  private readonly byName = new Map<string, NamespaceParts>()
  private readonly byState = new Map<NamespaceState, NamespaceParts>()

  /** @throws Error when there is one of these names */
  add(names: readonly string[], parts: NamespaceParts): void {
    for (const name of names) if (this.byName.has(name)) throw new Error(`There is a namespace ${name} already`)
    for (const name of names) this.byName.set(name, parts)
    this.byState.set(parts.state, parts)
  }

  find(name: string): NamespaceParts | undefined {
    return this.byName.get(name)
  }

  of({ namespace }: { readonly namespace: NamespaceState }): NamespaceParts {
    return this.byState.get(namespace) as NamespaceParts
  }

  /** Every namespace once. */
  all(): Iterable<NamespaceParts> {
    return this.byState.values()
  }
}
