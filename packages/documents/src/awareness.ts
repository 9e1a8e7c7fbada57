/**
 * Who is where in a document: each Yjs client has a state (name, colour, cursor) with a clock. `y-protocols` has a class for
 * clients. A server must also know which link owns which client, so that none speaks for another, and must forget old
 * clients. States are passed on as the text in which they came. Clients of other nodes are here as those nodes state them.
 */
import { isTooDeep } from '@roomful/protocol'
import type { AwarenessEntry } from './wire/messages.ts'

/** Clients that one link may speak for: its own, and those of an application that has several documents' worth. */
const CLIENTS_PER_LINK = 4
const STATE_MAX_BYTES = 16 * 1024
/** A client that said nothing for this long is gone; providers repeat themselves every 15 s. */
const SILENT_MS = 35_000
/** Clients that are gone, remembered so that a late echo does not bring them back. */
const GONE_MAX = 1_000

const GONE = 'null'

/** A link, to whom clients belong. */
export interface AwarenessHolder {
  readonly userId: string
  /** Clients that it speaks for. */
  readonly clients: Set<number>
}

/** What a node states to the others about a client of its own. */
export interface AwarenessStatement extends AwarenessEntry {
  readonly userId: string
}

interface State {
  clock: number
  json: string
  /** The link, if it is one of this node. */
  holder: AwarenessHolder | undefined
  userId: string
  /** The other node that states it. */
  node?: string | undefined
  receivedAt: number
}

export interface RemoteChange {
  /** Clients whose states the links of this node should receive. */
  readonly changed: readonly number[]
  /** Clients of this node that another one took for gone, with their links: they must announce themselves with a newer clock. */
  readonly contested: readonly (readonly [holder: AwarenessHolder, entry: AwarenessEntry])[]
}

export interface Applied {
  /** Clients whose states the others should receive. */
  readonly changed: readonly number[]
  /**
   * Clients that returned with a clock at which the others were informed that they are gone. When they receive the same
   * state, they announce themselves with the next clock.
   */
  readonly returned: readonly number[]
  /** The reason for the sender when an entry was refused. */
  readonly refusal: string | undefined
}

export class Awareness {
  private readonly states = new Map<number, State>()
  private readonly node: string
  private goneCount = 0

  /** @param node the name of this one; of two that state the same client, the lower name counts */
  constructor(node = '') {
    this.node = node
  }

  /**
   * Takes a link's states of its own clients. Its copies of other links' states change nothing: providers echo everything
   * that they receive.
   */
  apply(entries: readonly AwarenessEntry[], holder: AwarenessHolder, now: number): Applied {
    const changed: number[] = []
    const returned: number[] = []
    let refusal: string | undefined
    for (const entry of entries) {
      const outcome = this.take(entry, holder, now)
      if (outcome === 'changed') changed.push(entry.clientId)
      else if (outcome === 'returned') returned.push(entry.clientId)
      else if (outcome !== undefined) refusal ??= outcome.refusal
    }
    return { changed, returned, refusal }
  }

  /** The link is gone, and its clients with it. @returns the clients whose states the others should receive */
  release(holder: AwarenessHolder): number[] {
    const clients = [...holder.clients]
    for (const clientId of clients) this.remove(clientId)
    return clients
  }

  /** What another node states, of all of its clients or of some. It has looked at them, so only ownership is a question. */
  applyRemote(node: string, statements: readonly AwarenessStatement[], isAll: boolean): RemoteChange {
    const changed: number[] = []
    const contested: [AwarenessHolder, AwarenessEntry][] = []
    if (isAll) {
      const named = new Set(statements.map(({ clientId }) => clientId))
      changed.push(...this.removeWhere((state, clientId) => state.node === node && !named.has(clientId)))
    }
    for (const statement of statements) {
      const { clientId, clock, json, userId } = statement
      const known = this.states.get(clientId)
      const isHere = known !== undefined && known.json !== GONE
      if (json !== GONE) {
        if (isHere && !this.yields(known, node, statement)) continue
        this.set(clientId, { clock, json, holder: undefined, userId, node, receivedAt: 0 })
        changed.push(clientId)
      } else if (known === undefined || clock >= known.clock) {
        if (known?.holder) contested.push([known.holder, { clientId, clock, json }])
        else if (known === undefined || known.userId === userId) {
          this.set(clientId, { clock, json, holder: undefined, userId, receivedAt: 0 })
          if (isHere) changed.push(clientId)
        }
      }
    }
    return { changed, contested }
  }

  /** Nodes other than these are gone, and their clients with them. @returns the clients whose states the links should receive */
  keepNodes(nodes: readonly string[]): number[] {
    return this.removeWhere(({ node }) => node !== undefined && !nodes.includes(node))
  }

  /** What this node states about all: those that it holds, and those that are gone, lest they come back as they were. */
  allStatements(): AwarenessStatement[] {
    const stated = [...this.states].filter(([, { holder, json }]) => holder || json === GONE)
    return this.statements(stated.map(([clientId]) => clientId))
  }

  /** The same about these clients. */
  statements(clients: Iterable<number>): AwarenessStatement[] {
    return [...clients].flatMap((clientId) => {
      const state = this.states.get(clientId)
      return state ? [{ clientId, clock: state.clock, json: state.json, userId: state.userId }] : []
    })
  }

  /** Clients of links of this node, with these. */
  held(): (readonly [holder: AwarenessHolder, clientId: number])[] {
    return [...this.states].flatMap(([clientId, { holder }]) => (holder ? [[holder, clientId] as const] : []))
  }

  /** @returns clients that were silent for too long and count as gone now */
  expire(now: number): number[] {
    const silent = [...this.states].filter(
      ([, { json, receivedAt, node }]) => json !== GONE && node === undefined && now - receivedAt >= SILENT_MS,
    )
    for (const [clientId] of silent) this.remove(clientId)
    return silent.map(([clientId]) => clientId)
  }

  /** What is known of these clients, gone ones included. */
  entries(clients: Iterable<number>): AwarenessEntry[] {
    return [...clients].flatMap((clientId) => {
      const state = this.states.get(clientId)
      return state ? [{ clientId, clock: state.clock, json: state.json }] : []
    })
  }

  /** Everyone who is here. */
  all(): AwarenessEntry[] {
    return this.entries(this.states.keys()).filter(({ json }) => json !== GONE)
  }

  private take(
    { clientId, clock, json }: AwarenessEntry,
    holder: AwarenessHolder,
    now: number,
  ): 'changed' | 'returned' | { refusal: string } | undefined {
    const known = this.states.get(clientId)
    const isHere = known !== undefined && known.json !== GONE
    // A provider speaks of itself first: a new link of the same user is the old one, back before that was missed.
    const isBack = isHere && known.holder !== holder && holder.clients.size === 0 && known.userId === holder.userId
    if (isHere && known.holder !== holder && !isBack) return undefined
    if (json === GONE && !isHere) return undefined
    if (known && !isHere && clock <= known.clock) return clock === known.clock ? 'returned' : undefined
    const isNews = !known || clock > known.clock || (clock === known.clock && (isBack || json === GONE))
    if (!isNews) return undefined
    if (json.length > STATE_MAX_BYTES) return { refusal: `An awareness state may have ${STATE_MAX_BYTES} characters` }
    if (!isState(json)) return { refusal: 'An awareness state must be a JSON object that nests at most 64 deep' }
    if (!holder.clients.has(clientId) && holder.clients.size >= CLIENTS_PER_LINK) {
      return { refusal: `One connection may speak for ${CLIENTS_PER_LINK} clients` }
    }
    this.set(clientId, { clock, json, holder, userId: holder.userId, receivedAt: now })
    return 'changed'
  }

  private set(clientId: number, state: State): void {
    const known = this.states.get(clientId)
    known?.holder?.clients.delete(clientId)
    if (known?.json === GONE) this.goneCount--
    this.states.delete(clientId) // to the end of the order
    this.states.set(clientId, state)
    if (state.json !== GONE) return void state.holder?.clients.add(clientId)
    state.holder = undefined
    state.node = undefined
    this.goneCount++
    this.forgetOldest()
  }

  private remove(clientId: number): void {
    const known = this.states.get(clientId)
    if (known) this.set(clientId, { ...known, json: GONE })
  }

  /** Whether a client that is known counts as the one that this node states from now on. */
  private yields(known: State, node: string, { userId, clock }: AwarenessStatement): boolean {
    if (known.node === node) return true
    return known.userId === userId ? clock >= known.clock : node < (known.node ?? this.node)
  }

  private removeWhere(isGone: (state: State, clientId: number) => boolean): number[] {
    const gone = [...this.states].filter(([clientId, state]) => state.json !== GONE && isGone(state, clientId))
    for (const [clientId] of gone) this.remove(clientId)
    return gone.map(([clientId]) => clientId)
  }

  private forgetOldest(): void {
    if (this.goneCount <= GONE_MAX) return
    for (const [clientId, { json }] of this.states) {
      if (json !== GONE) continue
      this.states.delete(clientId)
      this.goneCount--
      return
    }
  }
}

function isState(json: string): boolean {
  if (json === GONE) return true
  if (!json.startsWith('{') || isTooDeep(json)) return false
  try {
    JSON.parse(json)
    return true
  } catch {
    return false
  }
}
