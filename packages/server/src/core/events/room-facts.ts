/** The state of a room in memory, as clients get it: pages by name, and changes, each with its version. D18. */
import { SharedJson } from '@roomful/protocol'
import type { StateEntry } from '../ports/broker.ts'
import { RoomEvent } from './event.ts'

/** Entries of a page, and of the answer to a join. */
const STATE_PAGE = 200

/** As clients get it. */
export interface StatePage {
  readonly fv: number
  readonly state: Readonly<Record<string, { readonly value: unknown; readonly version: number }>>
  readonly more: boolean
}

/** The latest change of a name. */
interface LastChange {
  readonly name: string
  readonly value: string | undefined
  readonly version: number
  readonly userId: string | undefined
}

/** The state of one room, in memory. Bound: that of the log, and as many names that were deleted since the room is open. */
export class RoomFacts {
  fv = 0
  isReading = false
  readonly entries = new Map<string, StateEntry>()
  /** By name, the latest last. */
  readonly changes = new Map<string, LastChange>()
  private shared: SharedJson<StatePage> | undefined

  put(name: string, value: string | undefined, version: number, userId: string | undefined): void {
    if (value === undefined) this.entries.delete(name)
    else this.entries.set(name, { name, value, version })
    this.changes.delete(name)
    this.changes.set(name, { name, value, version, userId })
    if (this.changes.size > CHANGES_MAX) this.changes.delete(this.changes.keys().next().value as string)
    this.fv = Math.max(this.fv, version)
    this.shared = undefined
  }

  sorted(): StateEntry[] {
    return [...this.entries.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  /** What came after a version, the latest of each name. */
  changesSince(roomId: string, fv: number): RoomEvent[] {
    if (this.fv <= fv) return []
    const events: RoomEvent[] = []
    let since = fv
    for (const change of [...this.changes.values()].filter(({ version }) => version > fv).sort(byVersion)) {
      events.push(changeEvent(roomId, since, change))
      since = change.version
    }
    return events
  }

  /** The first page, made once and shared until something changes. */
  get firstPage(): SharedJson<StatePage> {
    if (this.fv === 0) return EMPTY
    this.shared ??= new SharedJson(pageOf(this.fv, this.sorted(), undefined))
    return this.shared
  }
}

/** Of a room; of others a client sees a hole, and asks. */
const CHANGES_MAX = 2_000

const EMPTY = new SharedJson<StatePage>({ fv: 0, state: {}, more: false })

function byVersion(one: LastChange, other: LastChange): number {
  return one.version - other.version
}

function changeEvent(roomId: string, since: number, { name, value, version, userId }: LastChange): RoomEvent {
  const what = value === undefined ? '"deleted":true' : `"value":${value}`
  const who = userId === undefined ? '' : `,"userId":${JSON.stringify(userId)}`
  const front = `"roomId":${JSON.stringify(roomId)},"since":${since},"fv":${version},"name":${JSON.stringify(name)}`
  return RoomEvent.ofJson('state:changed', `[{${front},${what},"version":${version}${who}}]`, roomId)
}

export function pageOf(fv: number, entries: readonly StateEntry[], after: string | undefined): StatePage {
  const rest = after === undefined ? entries : entries.filter(({ name }) => name > after)
  const page = rest.slice(0, STATE_PAGE)
  const state = page.map(
    ({ name, value, version }) => [name, { value: JSON.parse(value) as unknown, version }] as const,
  )
  return { fv, state: Object.fromEntries(state), more: page.length < rest.length }
}
