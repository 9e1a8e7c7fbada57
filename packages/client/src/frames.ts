/** The SDK's side of the v1 form: what it sends as text, and what it reads. PROTOCOL.md 6. The server's side is in the protocol. */
import { type DownFrame, fromJson, isRecord, isSpreadable, toJson } from '@roomful/protocol'

type EventFrame = Extract<DownFrame, { event: string; type?: undefined }>
export type AckFrame = Extract<DownFrame, { ack: unknown }>
/** What the server asks. */
export type RequestFrame = Extract<DownFrame, { type: 'request' }>
export type ControlFrame = Exclude<DownFrame, EventFrame | AckFrame>

/** An event as it arrived, or as a history holds it. */
export interface ReceivedEvent {
  readonly event: string
  readonly args: readonly unknown[]
  readonly meta: EventMeta
}

/** What is known of an event beside its arguments. The numbers are there for durable events only. */
export interface EventMeta {
  readonly event: string
  readonly roomId?: string
  /** Its number in its room. */
  readonly seq?: number
  /** Its number in the namespace. */
  readonly n?: number
  /** Milliseconds since 1970. */
  readonly ts?: number
  readonly id?: string
  /** The idempotency key of the request that caused it. */
  readonly key?: string
  /** What it said was taken back: it has no data any more. Its listeners are not called for it. */
  readonly redacted?: true
}

/** Frames of one message. What is no JSON object is given to `onInvalid` and left out. */
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
    return undefined // reported by the caller, which knows what to do about it
  }
}

export function isAck(frame: DownFrame): frame is AckFrame {
  return 'ack' in frame
}

export function isEvent(frame: DownFrame): frame is EventFrame {
  return frame.type === undefined && 'event' in frame
}

/**
 * The event of a frame. The one object argument of a durable event carries the log's fields too, as it does for clients of
 * every other kind (D1): `{userId, content}` becomes `{userId, content, id, roomId, seq, ts}`.
 */
export function readEvent(frame: EventFrame): ReceivedEvent {
  const args = readArgs(frame)
  const meta = { ...readMeta(frame.event, frame), ...(frame.redacted ? { redacted: frame.redacted } : {}) }
  const [only] = args
  if (meta.seq === undefined || args.length !== 1 || !isSpreadable(only)) return { event: frame.event, args, meta }
  const { event, n, redacted, ...stored } = meta
  return { event, args: [{ ...(only as object), ...stored }], meta }
}

/** `data` for one argument, `args` for several, neither for none. */
export function readArgs({ data, args }: { data?: unknown; args?: unknown[] }): unknown[] {
  return args ?? (data === undefined ? [] : [data])
}

const META_FIELDS = ['roomId', 'seq', 'n', 'ts', 'id', 'key'] as const

export function readMeta(event: string, frame: { [Field in (typeof META_FIELDS)[number]]?: unknown }): EventMeta {
  const meta: Record<string, unknown> = { event }
  for (const field of META_FIELDS) if (frame[field] !== undefined) meta[field] = frame[field]
  return meta as unknown as EventMeta
}

/**
 * As all that is written here, without the brace that begins it: the link puts its channel there.
 * @param body JSON of the arguments, from {@link writeArgs}
 */
export function writeRequest(event: string, body: string, id: number | undefined, key: string | undefined): string {
  const tail = `${id === undefined ? '' : `,"id":${id}`}${key === undefined ? '' : `,"key":${JSON.stringify(key)}`}`
  return `"event":${JSON.stringify(event)}${body}${tail}}`
}

/** The answer to what the server asked under `id`: a value, or why there is none. */
export function writeAnswer(id: number, answer: { data: unknown } | { error: object }): string {
  return toJson({ ack: id, ...answer }).slice(1)
}

/** Arguments as part of a frame: nothing, `data` for one, `args` for several. */
export function writeArgs(args: readonly unknown[]): string {
  if (args.length === 0 || (args.length === 1 && args[0] === undefined)) return ''
  return args.length === 1 ? `,"data":${toJson(args[0])}` : `,"args":${toJson(args)}`
}
