/**
 * The facts of rooms as the log took them, version by version: what clients see is compared with it. It works out by itself
 * what a change makes, so that it also shows where the log does something else.
 */
import type { Append, Appended, FactChange } from '@roomful/server/ports'

type TextChange = Extract<FactChange, { kind: 'begin' | 'extend' | 'end' | 'resume' }>
type EntryChange = Extract<FactChange, { kind: 'set' | 'delete' | 'add' }>

/** One change of the state of a room. */
export interface StateVersion {
  readonly name: string
  /** JSON; undefined for a deleted one. */
  readonly value: string | undefined
  /** Version of the entry before it, 0 for none. */
  readonly before: number
}

export interface StoredEntry {
  readonly value: string
  readonly version: number
}

/** A message that was written in pieces. */
export interface StoredText {
  readonly writer: string | undefined
  /** Under which it was begun. */
  readonly key: string | undefined
  text: string
  /** The server writes it. */
  readonly isOfModel: boolean
  /** Nothing while it grows. */
  state: string | undefined
  /** It went on after an end. */
  wasResumed: boolean
  /** Who stopped it, where that was not its writer. */
  by: string | undefined
}

/** An event, as far as counts of unread messages and the latest of a type need it. */
export interface StoredEvent {
  readonly seq: number
  readonly type: string
  readonly userId: string | undefined
}

/** The append that a change came with. */
interface TextSource {
  readonly seq: number
  readonly userId: string | undefined
  readonly key: string | undefined
  readonly argsJson: string
}

export class RoomFactsTruth {
  /** By `fv`; the first has number 1. */
  readonly versions: StateVersion[] = []
  readonly state = new Map<string, StoredEntry>()
  readonly reads = new Map<string, number>()
  readonly texts = new Map<number, StoredText>()
  readonly events: StoredEvent[] = []
  /** Lowest number that can still be read, as it is known at the end. */
  first = 0

  get fv(): number {
    return this.versions.length
  }

  change(fv: number): StateVersion | undefined {
    return this.versions[fv - 1]
  }

  /** The state as it was with this version. */
  at(fv: number): Map<string, StoredEntry> {
    const state = new Map<string, StoredEntry>()
    for (const [index, { name, value }] of this.versions.slice(0, fv).entries()) {
      if (value === undefined) state.delete(name)
      else state.set(name, { value, version: index + 1 })
    }
    return state
  }

  /** Whether a name changed after this version. */
  changesAfter(name: string, fv: number): boolean {
    return this.versions.slice(fv).some((version) => version.name === name)
  }
}

export class StoredFacts {
  /** What the log did, and should not have done. */
  readonly problems: string[] = []
  private readonly rooms = new Map<string, RoomFactsTruth>()

  room(namespace: string, roomId: string): RoomFactsTruth {
    const name = `${namespace}\n${roomId}`
    const known = this.rooms.get(name)
    if (known) return known
    const room = new RoomFactsTruth()
    this.rooms.set(name, room)
    return room
  }

  /** An append with what became of it. */
  add(namespace: string, entry: Append, result: Appended): void {
    const { roomId, type, userId, key, change, argsJson } = entry
    const room = this.room(namespace, roomId)
    if (result.status === 'stored') {
      room.events.push({ seq: result.seq, type, userId })
      if (change?.kind === 'begin' || change?.kind === 'end')
        this.text(room, change, { seq: result.seq, userId, key: key?.key, argsJson })
    }
    if (result.status !== 'changed' || result.isRepeat || !change) return
    if (change.kind === 'set' || change.kind === 'delete' || change.kind === 'add') {
      this.state(room, roomId, change, result)
    } else if (change.kind === 'read') {
      if (result.version <= (room.reads.get(change.name) ?? 0))
        this.problems.push(`${change.name} has read ${roomId} up to ${result.version}, which is a step back`)
      room.reads.set(change.name, result.version)
    } else this.text(room, change, { seq: 0, userId, key: undefined, argsJson })
  }

  private state(
    room: RoomFactsTruth,
    roomId: string,
    change: EntryChange,
    { version, value }: { readonly version: number; readonly value?: string | undefined },
  ): void {
    const { name } = change
    const before = room.state.get(name)
    if (version !== room.fv + 1) this.problems.push(`${roomId} is at version ${room.fv}, and the next is ${version}`)
    const made = valueAfter(change, before?.value)
    if (made !== value) this.problems.push(`${name} in ${roomId} should be ${made}, and is ${value}`)
    room.versions.push({ name, value: made, before: before?.version ?? 0 })
    if (made === undefined) room.state.delete(name)
    else room.state.set(name, { value: made, version })
  }

  private text(room: RoomFactsTruth, change: TextChange, { seq, userId, key, argsJson }: TextSource): void {
    if (change.kind === 'begin') {
      const text = textOf(change.fragment)
      const isOfModel = argsJson.includes('"userId":"model"')
      const more = { state: undefined, by: undefined, wasResumed: false }
      room.texts.set(seq, { writer: userId, key, text, isOfModel, ...more })
      return
    }
    const known = room.texts.get(change.seq)
    if (!known) return void this.problems.push(`there is no text ${change.seq}, and it got a ${change.kind}`)
    if (change.kind === 'extend') {
      if (userId !== undefined && userId !== known.writer)
        this.problems.push(`the text ${change.seq} of ${known.writer} grows by ${userId}`)
      if (known.state !== undefined) this.problems.push(`the text ${change.seq} grows, and is ${known.state}`)
      if (change.at !== known.text.length)
        this.problems.push(`the text ${change.seq} has ${known.text.length}, and grows at ${change.at}`)
      known.text += textOf(change.fragment)
    } else if (change.kind === 'end') {
      if (known.state !== undefined) this.problems.push(`the text ${change.seq} ends, and is ${known.state}`)
      known.state = (JSON.parse(`[{${change.tail}`) as [{ state: string }])[0].state
      const [ending] = JSON.parse(argsJson) as [{ userId?: string }]
      known.by = ending.userId
    } else {
      known.state = undefined
      known.wasResumed = true
    }
  }
}

function valueAfter(change: EntryChange, before: string | undefined): string | undefined {
  if (change.kind === 'set') return change.value
  return change.kind === 'delete' ? undefined : String(Number(before ?? 0) + change.by)
}

function textOf(fragment: string): string {
  return JSON.parse(`"${fragment}"`) as string
}
