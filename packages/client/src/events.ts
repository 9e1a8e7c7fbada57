/**
 * Events on their way to the application: frames of the v1 form are read (PROTOCOL.md 6), listeners are called.
 * requests.ts writes the frames that the SDK sends.
 */
import { type DownFrame, fromJson, isRecord, isSpreadable } from '@roomful/protocol'

type EventFrame = Extract<DownFrame, { event: string; type?: undefined }>
export type AckFrame = Extract<DownFrame, { ack: unknown }>
/** A request of the server. */
export type RequestFrame = Extract<DownFrame, { type: 'request' }>
export type ControlFrame = Exclude<DownFrame, EventFrame | AckFrame>

/** An event as it arrived, or as a page of history contains it. */
export interface ReceivedEvent {
  /** Its name. */
  readonly event: string
  readonly args: readonly unknown[]
  readonly meta: EventMeta
}

/** What is known about an event beside its arguments. The numbers are there for durable events only. */
export interface EventMeta {
  /** Its name. */
  readonly event: string
  /** The room that it is for; missing when it is for no single room. */
  readonly roomId?: string
  /** Number in its room: 1, 2, 3, … */
  readonly seq?: number
  /** Number in the namespace. */
  readonly n?: number
  /** Milliseconds since 1970, by the server's clock. */
  readonly ts?: number
  /** Unique in the namespace. */
  readonly id?: string
  /** The idempotency key of the request that caused it. */
  readonly key?: string
  /** Its content was taken back: it has no data, and `onRedacted` gets it instead of its listeners. */
  readonly redacted?: true
}

/** Reads the frames of one message. Lines that are no JSON object go to `onInvalid`. */
export function readFrames(text: string, onInvalid: (line: string) => void): DownFrame[] {
  const frames: DownFrame[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const frame = readFrame(line)
    if (frame) frames.push(frame)
    else onInvalid(line)
  }
  return frames
}

function readFrame(line: string): DownFrame | undefined {
  try {
    const value = fromJson(line)
    return isRecord(value) ? (value as DownFrame) : undefined
  } catch {
    return undefined // the caller reports it
  }
}

export function isAck(frame: DownFrame): frame is AckFrame {
  return 'ack' in frame
}

export function isEvent(frame: DownFrame): frame is EventFrame {
  return frame.type === undefined && 'event' in frame
}

/**
 * Reads the event of a frame. The one object argument of a durable event gets the log's fields too, as it does in every
 * kind of client (D1): `{userId, content}` becomes `{userId, content, id, roomId, seq, ts}`.
 */
export function readEvent(frame: EventFrame): ReceivedEvent {
  const args = readArgs(frame)
  const meta = readMeta(frame.event, frame)
  const [only] = args
  if (meta.seq === undefined || args.length !== 1 || !isSpreadable(only)) return { event: frame.event, args, meta }
  const { event, n, redacted, ...stored } = meta
  return { event, args: [{ ...(only as object), ...stored }], meta }
}

/** `data` for one argument, `args` for several, neither for none. */
export function readArgs({ data, args }: { data?: unknown; args?: unknown[] }): unknown[] {
  return args ?? (data === undefined ? [] : [data])
}

const META_FIELDS = ['roomId', 'seq', 'n', 'ts', 'id', 'key', 'redacted'] as const

export function readMeta(event: string, frame: { [Field in (typeof META_FIELDS)[number]]?: unknown }): EventMeta {
  const meta: Record<string, unknown> = { event }
  for (const field of META_FIELDS) if (frame[field] !== undefined) meta[field] = frame[field]
  return meta as unknown as EventMeta
}

/** Calls a listener with the event's data and `meta`, or with its several arguments and `meta` last. */
export function callListener(listener: unknown, { args, meta }: ReceivedEvent): void {
  const call = listener as (...args: readonly unknown[]) => void
  call(...(args.length === 0 ? [undefined] : args), meta)
}

type Listener = (...args: never[]) => void

/** Takes what a listener or a callback of the application threw. */
export type Report = (error: unknown) => void

/** Listeners by event name. One that throws affects neither the other listeners nor the caller of `emit`. */
export class Emitter<Events extends Record<keyof Events, unknown[]>> {
  readonly #listeners = new Map<keyof Events, Set<Listener>>()
  readonly #report: Report

  constructor(report: Report) {
    this.#report = report
  }

  /** @returns a function that removes the listener; calling it twice is harmless */
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

  /** Calls the listeners that exist now, in the order in which they were added. */
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
