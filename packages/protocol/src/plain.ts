/**
 * The plain form: one flat JSON object per message, for anyone with a WebSocket. PROTOCOL.md 4.
 * In: `{type, ...data, id?, key?}` or `{event, data, id?, key?}`. Out: `{type, ...data}`.
 */
import { toJson } from './binary.ts'
import {
  failureData,
  isAnswer,
  isRefusal,
  readAnswer,
  readAuth,
  readObject,
  readRequest,
  storedJson,
} from './envelope.ts'
import type { WireError } from './error-codes.ts'
import { isRecord, type WireEvent } from './event.ts'
import type { Inbound, RequestId } from './inbound.ts'

/** Plain clients say and hear `chat:message` for a message in a room. PROTOCOL.md 8. */
const PLAIN_NAMES: Record<string, string> = { 'message:new': 'chat:message' }

export function plainName(type: string): string {
  return Object.hasOwn(PLAIN_NAMES, type) ? (PLAIN_NAMES[type] as string) : type
}

export function decodePlain(text: string): Inbound {
  const frame = readObject(text)
  if (isRefusal(frame)) return frame
  const object = frame as Record<string, unknown>
  if (object.type === 'ping') return { kind: 'ping' }
  if (object.type === 'auth') return readAuth(0, object)
  if (isAnswer(object)) return readAnswer(0, object)
  if (object.event !== undefined && object.type === undefined) {
    const request = readRequest(0, object.event, envelopeArgs(object), object.id, object.key)
    return request.kind === 'request' ? { ...request, isEnvelope: true } : request
  }
  return readRequest(0, object.type, flatArgs(object), object.id, object.key)
}

/** Arguments of `{event, data}` or `{event, args}`. */
export function envelopeArgs(frame: Record<string, unknown>): unknown[] {
  if (Array.isArray(frame.args)) return frame.args
  return frame.data === undefined ? [] : [frame.data]
}

function flatArgs(frame: Record<string, unknown>): unknown[] {
  const { type: _type, id: _id, key: _key, ...rest } = frame
  const names = Object.keys(rest)
  if (names.length === 0) return [] // an event without arguments
  if (names.length === 1 && names[0] === 'data') return [rest.data]
  if (names.length === 1 && names[0] === 'args' && Array.isArray(rest.args)) return rest.args
  return [rest]
}

export function encodePlainEvent(event: WireEvent): string {
  const head = `{"type":${JSON.stringify(plainName(event.type))}`
  const stored = event.stored
  return `${head}${plainBody(event)}${stored === undefined ? '' : `,${storedJson(stored)}`}}`
}

function plainBody(event: WireEvent): string {
  const { args, argsJson } = event
  if (args.length === 0) return ''
  if (args.length > 1) return `,"args":${argsJson}`
  if (!event.spread) return `,"data":${argsJson.slice(1, -1)}`
  return argsJson.length > 4 ? `,${argsJson.slice(2, -2)}` : '' // [{…}] without its brackets and braces
}

/** What the server asks; answered by `{ack: id, data}`. */
export function encodePlainRequest(id: number, event: WireEvent): string {
  return `{"type":"request","id":${id},"event":${JSON.stringify(plainName(event.type))}${envelopeBody(event)}}`
}

/** Arguments beside `event`: nothing, `data` for one, `args` for several. */
export function envelopeBody({ args, argsJson }: WireEvent): string {
  return args.length === 0 ? '' : args.length === 1 ? `,"data":${argsJson.slice(1, -1)}` : `,"args":${argsJson}`
}

/** An event as the object that `encodePlainEvent` writes, for histories. */
export function plainObject(event: WireEvent, type: string = event.type): Record<string, unknown> {
  const [first] = event.args
  const body =
    event.args.length === 0
      ? {}
      : event.args.length > 1
        ? { args: event.args }
        : event.spread && isRecord(first)
          ? first
          : { data: first }
  if (event.stored === undefined) return { type, ...body }
  const { id, roomId, seq, ts, key, redacted } = event.stored
  const more = { ...(key === undefined ? {} : { key }), ...(redacted ? { redacted } : {}) }
  return { type, ...body, roomId, seq, ts, id, ...more }
}

export function encodePlainAck(id: RequestId, data: unknown): string {
  return `{"type":"ack","ack":${JSON.stringify(id)},"data":${toJson(data ?? null)}}`
}

/** With `id` the failed ack, without it the `error` message. */
export function encodePlainError(error: WireError, id?: RequestId, event?: string): string {
  if (id !== undefined) return JSON.stringify({ type: 'ack', ack: id, error, data: failureData(error) })
  return JSON.stringify({ type: 'error', ...error, ...(event === undefined ? {} : { event }) })
}

/** A message that is no event of a namespace: `welcome`, `auth_ok`, `pong`, … */
export function encodePlainControl(type: string, data: Record<string, unknown> = {}): string {
  return JSON.stringify({ type, ...data })
}
