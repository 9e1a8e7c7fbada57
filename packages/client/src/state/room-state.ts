/**
 * The state of one room, shared by everything that shows it: a snapshot from the answer to the join, and the numbered changes
 * after it (`fv`). A change that does not follow on the one before reveals a gap, and all of it is read again. What this client
 * writes is shown at once, and replaced by what the server stored, or taken back when it was refused.
 */
import type { GivenStateValue, StateName, StateValue } from '@roomful/protocol'
import type { Client } from '../client.ts'
import { isPassing, RoomfulError } from '../errors.ts'
import type { RequestOptions } from '../requests.ts'
import type { RoomOf as Room } from '../room.ts'
import type { RoomStatus } from '../room-subscription.ts'
import type { AnyContract, DownData, UpAck } from '../types.ts'

/** Names with their values. */
export type StateEntries<C extends AnyContract = undefined> = C extends { readonly state: infer State }
  ? { readonly [Name in StateName<C>]?: StateValue<C, Name> } & (State extends object ? unknown : never)
  : Readonly<Record<string, unknown>>

/** What a page shows: the same object until something changes. */
export interface RoomState<C extends AnyContract = undefined> {
  /** With what this client has written and the server has not confirmed yet. */
  readonly state: StateEntries<C>
  /** Names that this client has written and the server has not confirmed yet. */
  readonly pending: ReadonlySet<string>
  /** All of the state is here. */
  readonly isLoaded: boolean
  /** Unless it is `joined`, the state may be out of date. */
  readonly status: RoomStatus
  /** Why the room is not joined, or its state not loaded. */
  readonly error: RoomfulError | undefined
}

/** How a value is written. */
export interface StateWriteOptions extends Pick<RequestOptions, 'signal'> {
  /** Only if the entry has this version, 0 for none: see `RoomStateStore.versionOf`. Otherwise it is refused with CONFLICT. */
  readonly version?: number
}

type Stored = UpAck<'state:set'>
type Page = Omit<UpAck<'state:get'>, 'status'>
type Change = DownData<'state:changed'>

interface Entry {
  readonly value: unknown
  readonly version: number
}

/** A write of this client that the server has not confirmed. */
interface Write {
  readonly name: string
  /** @returns the value after it; `undefined` for none */
  readonly apply: (before: unknown) => unknown
}

/** A store that is used again within this time, ms, keeps its state: as long as the client stays in a released room. */
const LINGER_MS = 100
/** Changes that are kept while the state is read; more begin it again. */
const MAX_BUFFERED = 2_000
/** Between two tries to read the state, where the server says nothing. */
const RETRY_MS = 1_000

const NOTHING: RoomState = { state: {}, pending: new Set(), isLoaded: false, status: 'waiting', error: undefined }

/** What can be done with the state of a room. The functions need no `this`. */
export interface StateActions<C extends AnyContract = undefined> {
  /**
   * Sets a value, as JSON up to 8,192 characters. It is in the snapshot at once, and waits in the outbox through reconnects.
   * @throws RoomfulError (rejects) CONFLICT with the current `value` and `version` in `details`; FORBIDDEN, TOO_LARGE, …
   */
  set<Name extends StateName<C>>(
    name: Name,
    value: GivenStateValue<C, Name>,
    options?: StateWriteOptions,
  ): Promise<Stored>
  /** Deletes a name. @throws RoomfulError (rejects) as {@link set} */
  remove(name: StateName<C>, options?: StateWriteOptions): Promise<Stored>
  /**
   * Adds to a whole number; one that is not there begins at 0. Additions of several users all count.
   * @throws RoomfulError (rejects) as {@link set}; INVALID_MESSAGE when the value is no number
   */
  add(name: StateName<C>, by?: number): Promise<Stored>
  /**
   * Sets what `change` makes of the current value, and repeats that when another client was faster.
   * @param change may be called several times; `undefined` deletes the name
   * @throws RoomfulError (rejects) as {@link set}
   */
  update<Name extends StateName<C>>(
    name: Name,
    change: (value: StateValue<C, Name> | undefined) => GivenStateValue<C, Name> | undefined,
  ): Promise<Stored>
}

/** Made by {@link stateOf}. */
export class RoomStateStore<C extends AnyContract = undefined> implements StateActions<C> {
  private readonly client: Client
  private readonly roomId: string
  private readonly onUnused: () => void
  private readonly listeners = new Set<() => void>()
  private entries = new Map<string, Entry>()
  private readonly writes = new Set<Write>()
  /** Number of the last change; `undefined` before the state was read. */
  private fv: number | undefined
  private error: RoomfulError | undefined
  private room: Room | undefined
  private snapshot: RoomState<C> | undefined
  private leaving: ReturnType<typeof setTimeout> | undefined
  /** The state is being read, by the latest of these; changes wait in it. */
  private reading: Change[] | undefined

  /** Use {@link stateOf}. */
  constructor(client: Client, roomId: string, onUnused: () => void) {
    this.client = client
    this.roomId = roomId
    this.onUnused = onUnused
  }

  readonly getSnapshot = (): RoomState<C> => {
    this.snapshot ??= this.makeSnapshot()
    return this.snapshot
  }

  /** The room is joined while there is a subscriber. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    clearTimeout(this.leaving)
    if (!this.room) this.enter()
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) this.leaving = setTimeout(() => this.leave(), LINGER_MS)
    }
  }

  /** The version of an entry, for {@link StateWriteOptions}: 0 when there is none. */
  readonly versionOf = (name: StateName<C>): number => this.entries.get(name)?.version ?? 0

  readonly set: StateActions<C>['set'] = (name, value, options = {}) =>
    this.write('state:set', { name, value }, () => value, options)

  readonly remove: StateActions<C>['remove'] = (name, options = {}) =>
    this.write('state:delete', { name }, () => undefined, options)

  readonly add: StateActions<C>['add'] = (name, by = 1) =>
    this.write('state:add', { name, by }, (before) => (typeof before === 'number' ? before : 0) + by, {})

  readonly update: StateActions<C>['update'] = async (name, change) => {
    for (;;) {
      const { value, version } = this.entries.get(name) ?? { value: undefined, version: 0 }
      const next = change(value as never)
      try {
        return await (next === undefined
          ? this.remove(name, { version })
          : this.set(name, next as GivenStateValue<C, typeof name>, { version }))
      } catch (thrown) {
        // A conflict brings the current entry, so the next try begins with that.
        if (!(thrown instanceof RoomfulError) || thrown.code !== 'CONFLICT' || this.versionOf(name) === version)
          throw thrown
      }
    }
  }

  private async write(
    event: 'state:set' | 'state:delete' | 'state:add',
    data: { name: string; value?: unknown; by?: number },
    apply: Write['apply'],
    { version, signal }: StateWriteOptions,
  ): Promise<Stored> {
    const { name } = data
    const write: Write = { name, apply }
    this.writes.add(write)
    this.changed()
    try {
      const body = { roomId: this.roomId, ...data, ...(version === undefined ? {} : { version }) }
      const stored = (await this.client.request(event, body as never, { durable: true, signal })) as Stored
      // To a repeat whose first answer was lost it says what there is by now.
      this.put(name, stored.value, stored.version)
      return stored
    } catch (error) {
      if (error instanceof RoomfulError && error.code === 'CONFLICT') {
        const { value, version: current } = error.details ?? {}
        if (typeof current === 'number') this.put(name, value, current)
      }
      throw error
    } finally {
      this.writes.delete(write)
      this.changed()
    }
  }

  private enter(): void {
    const room = this.client.room(this.roomId)
    this.room = room
    room.subscribe(() => this.changed())
    room.on('state:changed', (change) => this.handle(change))
    room.onJoined(({ facts }) => {
      if (!facts.more) return this.take(facts, [])
      this.read(facts)
    })
    if (room.getSnapshot().status === 'joined') this.read()
    this.changed()
  }

  private leave(): void {
    this.room?.release()
    this.room = undefined
    this.reading = undefined
    this.fv = undefined
    this.entries.clear()
    this.changed()
    if (this.writes.size === 0) this.onUnused()
  }

  private handle(change: Change): void {
    if (this.reading) {
      this.reading.push(change)
      if (this.reading.length > MAX_BUFFERED) this.read()
      return
    }
    if (this.fv === undefined || change.fv <= this.fv) return
    if (change.since > this.fv) return void this.read()
    this.fv = change.fv
    this.put(change.name, change.deleted ? undefined : change.value, change.version)
    this.changed()
  }

  /** Reads all pages; changes that come meanwhile are applied after. Never rejects. */
  private async read(first?: Page): Promise<void> {
    const { room } = this
    const buffer: Change[] = []
    this.reading = buffer
    const isOver = (): boolean => this.reading !== buffer || this.room !== room
    try {
      const page = first ?? (await this.page())
      const state = { ...page.state }
      let { more } = page
      while (more && !isOver()) {
        const next = await this.page(Object.keys(state).sort(byCodePoints).at(-1))
        Object.assign(state, next.state)
        ;({ more } = next)
      }
      if (!isOver()) this.take({ fv: page.fv, state, more: false }, buffer)
    } catch (thrown) {
      if (isOver()) return
      const error = thrown as RoomfulError // a request rejects with nothing else
      this.reading = undefined
      this.error = error
      this.fv = undefined
      this.changed()
      if (isPassing(error) && room?.getSnapshot().status === 'joined') {
        setTimeout(() => {
          if (this.room === room && this.fv === undefined && !this.reading) this.read()
        }, error.retryAfterMs ?? RETRY_MS)
      }
    }
  }

  private async page(after?: string): Promise<Page> {
    const { roomId } = this
    return this.client.request('state:get', after === undefined ? { roomId } : { roomId, after })
  }

  private take({ fv, state }: Page, changes: readonly Change[]): void {
    this.reading = undefined
    this.error = undefined
    this.fv = fv
    this.entries = new Map(Object.entries(state))
    for (const change of changes) this.handle(change)
    this.changed()
  }

  /** A page that was read later, or an answer that came first, may have a newer one. */
  private put(name: string, value: unknown, version: number): void {
    if (this.versionOf(name as never) > version) return
    if (value === undefined) this.entries.delete(name)
    else this.entries.set(name, { value, version })
  }

  private makeSnapshot(): RoomState<C> {
    if (!this.room && this.writes.size === 0) return NOTHING as RoomState<C>
    const { status = 'waiting', error } = this.room?.getSnapshot() ?? {}
    const state: Record<string, unknown> = Object.create(null)
    for (const [name, { value }] of this.entries) state[name] = value
    const pending = new Set<string>()
    for (const { name, apply } of this.writes) {
      pending.add(name)
      const value = apply(state[name])
      if (value === undefined) delete state[name]
      else state[name] = value
    }
    const isLoaded = this.fv !== undefined
    return { state: state as StateEntries<C>, pending, isLoaded, status, error: error ?? this.error }
  }

  private changed(): void {
    this.snapshot = undefined
    for (const listener of [...this.listeners]) listener()
  }
}

/** As the server orders names. */
function byCodePoints(one: string, other: string): number {
  return one < other ? -1 : 1
}

const stores = new WeakMap<Client, Map<string, RoomStateStore>>()

/**
 * The state of a room, for a page: one store for everything that shows it. It joins the room while it has a subscriber.
 * @example
 * const store = stateOf(client, 'board:1')
 * const stop = store.subscribe(() => render(store.getSnapshot().state))
 * await store.set('title', 'Plans')
 */
export function stateOf<C extends AnyContract>(client: Client<C>, roomId: string): RoomStateStore<C> {
  const owner = client as unknown as Client
  const rooms = stores.get(owner) ?? new Map<string, RoomStateStore>()
  stores.set(owner, rooms)
  const store = rooms.get(roomId) ?? new RoomStateStore(owner, roomId, () => rooms.delete(roomId))
  rooms.set(roomId, store)
  return store as unknown as RoomStateStore<C>
}

/** The actions of whichever store `store` returns when one is called: for bindings whose room id may change. */
export function stateActionsOf<C extends AnyContract>(store: () => RoomStateStore<C>): StateActions<C> {
  return {
    set: (...args) => store().set(...args),
    remove: (...args) => store().remove(...args),
    add: (...args) => store().add(...args),
    update: (...args) => store().update(...args),
  }
}
