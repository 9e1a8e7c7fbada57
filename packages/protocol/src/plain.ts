/**
 * The plain form: one flat JSON object per message, for any WebSocket client. PROTOCOL.md 4.
 * In: `{type, ...data, id?, key?}` or `{event, data, id?, key?}`. Out: `{type, ...data}`.
 * The second half is the envelope `{event, data, …}`, which v1 uses too.
 */

import type { WireError } from './codes.ts'
import { ID_AS_KEY_LENGTH, KEY_MAX_LENGTH, MAX_ATTACHMENTS, MAX_JSON_DEPTH } from './constants.ts'
import {
  type Credentials,
  type Inbound,
  invalid,
  type RequestId,
  type StoredFields,
  type WireEvent,
} from './dialect.ts'
import { BINARY_MARK, fromJson, isRecord, isTooDeep, mayHoldBinary, toJson } from './json.ts'

/** Top-level names that have a meaning in the plain form. W4, PROTOCOL.md 4. */
export const RESERVED_FIELDS = [
  'type',
  'id',
  'key',
  'event',
  'data',
  'args',
  'ack',
  'error',
  'roomId',
  'seq',
  'n',
  'ts',
  'traceparent',
] as const

const RESERVED = new Set<string>(RESERVED_FIELDS)

/** @returns true for an argument whose fields can stand beside `type`: a plain object without a reserved name */
export function isSpreadable(value: unknown): boolean {
  if (!isRecord(value)) return false
  for (const key in value) if (RESERVED.has(key)) return false
  return true
}

/** Plain clients send and receive `chat:message` for a message in a room. PROTOCOL.md 8. */
const PLAIN_NAMES: Record<string, string> = { 'message:new': 'chat:message' }

/** @returns the name of an event in the plain form */
export function plainName(type: string): string {
  return Object.hasOwn(PLAIN_NAMES, type) ? (PLAIN_NAMES[type] as string) : type
}

/** @returns the decoded message; of kind `invalid` for what cannot be decoded, so that it never throws */
export function decodePlain(text: string): Inbound {
  return decodeUsual(text) ?? decodeAny(text)
}

const USUAL_HEAD = '{"type":"'
/** Types with a meaning of their own. */
const CONTROLS = new Set(['ping', 'auth', 'ack'])

/**
 * Requests as clients write them, `type` first: what follows is parsed as an object of its own, so that no copy without
 * `type` is made.
 * @returns nothing for all others
 */
function decodeUsual(text: string): Inbound | undefined {
  if (!text.startsWith(USUAL_HEAD)) return undefined
  const end = text.indexOf('"', USUAL_HEAD.length)
  if (!text.startsWith(',"', end + 1)) return undefined
  const type = text.slice(USUAL_HEAD.length, end)
  if (type === '' || !SIMPLE.test(type) || CONTROLS.has(type)) return undefined
  const frame = readObject(`{${text.slice(end + 2)}`)
  if (isRefusal(frame)) return undefined // a limit may be about the whole
  const object = frame as Record<string, unknown>
  if (Object.hasOwn(object, 'type')) return undefined // twice, and the last one counts
  const { id, key, traceparent } = object
  const isBare = id === undefined && key === undefined && traceparent === undefined
  return readRequest(0, type, argsOf(isBare ? object : fieldsOf(object)), id, key, traceparent)
}

function decodeAny(text: string): Inbound {
  const frame = readObject(text)
  if (isRefusal(frame)) return frame
  const object = frame as Record<string, unknown>
  if (object.type === 'ping') return { kind: 'ping' }
  if (object.type === 'auth') return readAuth(0, object)
  if (isAnswer(object)) return readAnswer(0, object)
  if (object.event !== undefined && object.type === undefined) {
    const request = readRequest(0, object.event, envelopeArgs(object), object.id, object.key, object.traceparent)
    return request.kind === 'request' ? { ...request, isEnvelope: true } : request
  }
  return readRequest(0, object.type, argsOf(fieldsOf(object)), object.id, object.key, object.traceparent)
}

/** The arguments in the fields of a frame. */
function argsOf(rest: Record<string, unknown>): unknown[] {
  const names = Object.keys(rest)
  if (names.length === 0) return [] // an event without arguments
  if (names.length === 1 && names[0] === 'data') return [rest.data]
  if (names.length === 1 && names[0] === 'args' && Array.isArray(rest.args)) return rest.args
  return [rest]
}

/** What is in a frame beside `type`, `id`, `key` and `traceparent`. */
function fieldsOf(frame: Record<string, unknown>): Record<string, unknown> {
  if (Object.hasOwn(frame, '__proto__')) {
    const { type: _type, id: _id, key: _key, traceparent: _trace, ...rest } = frame // an assignment would set the prototype
    return rest
  }
  const rest: Record<string, unknown> = {} // several times as fast as the line above
  for (const name in frame) {
    if (name !== 'type' && name !== 'id' && name !== 'key' && name !== 'traceparent') rest[name] = frame[name]
  }
  return rest
}

/** @returns the text of an event: `{"type":…}` with its fields, and those of the log for a durable one */
export function encodePlainEvent(event: WireEvent): string {
  const head = `{"type":${quoted(plainName(event.type))}`
  const { stored, traceparent } = event
  const trace = traceparent === undefined ? '' : `,"traceparent":"${traceparent}"`
  return `${head}${plainBody(event)}${stored === undefined ? '' : `,${storedJson(stored)}`}${trace}}`
}

function plainBody(event: WireEvent): string {
  const { args, argsJson } = event
  if (args.length === 0) return ''
  if (args.length > 1) return `,"args":${argsJson}`
  if (!event.spread) return `,"data":${argsJson.slice(1, -1)}`
  return argsJson.length > 4 ? `,${argsJson.slice(2, -2)}` : '' // [{…}] without its brackets and braces
}

/** @returns the text of a request of the server, which a client answers with `{ack: id, data}` */
export function encodePlainRequest(id: number, event: WireEvent): string {
  return `{"type":"request","id":${id},"event":${JSON.stringify(plainName(event.type))}${envelopeBody(event)}}`
}

/** @returns the object that `encodePlainEvent` writes as text, for histories */
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
  const { roomId, seq, ts, key, redacted } = event.stored
  const id = eventId(event.stored)
  const more = { ...(key === undefined ? {} : { key }), ...(redacted ? { redacted } : {}) }
  return { type, ...body, roomId, seq, ts, id, ...more }
}

/** @returns the text of a successful acknowledgement */
export function encodePlainAck(id: RequestId, data: unknown): string {
  return `{"type":"ack","ack":${JSON.stringify(id)},"data":${toJson(data ?? null)}}`
}

/** @returns the text of a refusal: with `id` a failed acknowledgement, without it an `error` message */
export function encodePlainError(error: WireError, id?: RequestId, event?: string): string {
  if (id !== undefined) return JSON.stringify({ type: 'ack', ack: id, error, data: failureData(error) })
  return JSON.stringify({ type: 'error', ...error, ...(event === undefined ? {} : { event }) })
}

/** @returns the text of a message that is no event of a namespace: `welcome`, `auth_ok`, `pong`, … */
export function encodePlainControl(type: string, data: Record<string, unknown> = {}): string {
  return JSON.stringify({ type, ...data })
}

/** Longest sentence with which a client may refuse a request of the server, in characters. */
const SENTENCE_MAX_LENGTH = 1_000

/** Refusals of {@link readObject}, by identity: a client may send an object with the same fields. */
const refusals = new WeakSet<object>()

/** @returns the object in `text`, or a refusal, which {@link isRefusal} recognises */
export function readObject(text: string): Record<string, unknown> | Inbound {
  const value = parseObject(text)
  if (typeof value !== 'string') return value
  const refusal = value === '' ? invalid(0, 'PARSE_ERROR') : invalid(0, 'INVALID_MESSAGE', value)
  refusals.add(refusal)
  return refusal
}

/** @returns the object, or a sentence about what is wrong with it; the empty sentence when it is no JSON */
function parseObject(text: string): Record<string, unknown> | string {
  if (isTooDeep(text)) return `Message is nested deeper than ${MAX_JSON_DEPTH} levels`
  if (mayHoldBinary(text) && text.split(BINARY_MARK).length - 1 > MAX_ATTACHMENTS) {
    return `A message holds at most ${MAX_ATTACHMENTS} pieces of binary`
  }
  let value: unknown
  try {
    value = fromJson(text)
  } catch {
    return ''
  }
  return isRecord(value) ? value : 'Message must be a JSON object'
}

/** @returns true for a refusal that {@link readObject} returned */
export function isRefusal(value: object): value is Extract<Inbound, { kind: 'invalid' }> {
  return refusals.has(value)
}

/** @returns a request; of kind `invalid` when `event`, `id` or `key` is no valid one */
export function readRequest(
  channel: number,
  event: unknown,
  args: unknown[],
  id: unknown,
  key: unknown,
  trace?: unknown,
): Inbound {
  const name = typeof event === 'string' ? event : undefined
  if (id !== undefined && typeof id !== 'string' && (typeof id !== 'number' || !Number.isFinite(id))) {
    return invalid(channel, 'INVALID_MESSAGE', 'Field id must be a string or a number', { field: 'id', ...named(name) })
  }
  const requestId = id as RequestId | undefined
  if (typeof requestId === 'string' && requestId.length > KEY_MAX_LENGTH) {
    return invalid(channel, 'INVALID_MESSAGE', `Field id must have at most ${KEY_MAX_LENGTH} characters`, {
      field: 'id',
      ...named(name),
    })
  }
  if (name === undefined || name === '' || name.length > KEY_MAX_LENGTH) {
    const message = event === undefined ? undefined : `Field type must be a string of 1 to ${KEY_MAX_LENGTH} characters`
    return invalid(channel, 'INVALID_MESSAGE', message, { field: 'type', ...known(requestId, name) })
  }
  if (key !== undefined && (typeof key !== 'string' || key.length === 0 || key.length > KEY_MAX_LENGTH)) {
    return invalid(channel, 'INVALID_MESSAGE', `Field key must be a string of 1 to ${KEY_MAX_LENGTH} characters`, {
      field: 'key',
      ...known(requestId, name),
    })
  }
  const effectiveKey =
    (key as string | undefined) ??
    (typeof requestId === 'string' && requestId.length >= ID_AS_KEY_LENGTH ? requestId : undefined)
  // A wrong one is no reason to refuse: W3C Trace Context begins a new trace then.
  const traceparent = typeof trace === 'string' && isTraceparent(trace) ? trace : undefined
  return { kind: 'request', channel, event: name, args, id: requestId, key: effectiveKey, traceparent }
}

const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.*)?$/

/** @returns true for a `traceparent` of W3C Trace Context, also of a later version */
export function isTraceparent(text: string): boolean {
  return text.length <= 128 && TRACEPARENT.test(text) && (text.length === 55 || !text.startsWith('00'))
}

/**
 * @param traceparent a valid one; a later version may have more behind the flags
 * @returns whether the caller records the trace
 */
export function isSampledTrace(traceparent: string): boolean {
  return (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1
}

/** @returns true for a client's answer to a request of the server: `{ack, data}`, with or without `type: 'ack'` */
export function isAnswer({ type, event, ack }: Record<string, unknown>): boolean {
  return (
    (typeof ack === 'number' || typeof ack === 'string') &&
    event === undefined &&
    (type === undefined || type === 'ack')
  )
}

/** @returns the answer in a frame that {@link isAnswer} recognised */
export function readAnswer(channel: number, { ack, data, error }: Record<string, unknown>): Inbound {
  return { kind: 'ack', channel, id: ack as RequestId, data, error: isRecord(error) ? readError(error) : undefined }
}

/** A client's refusal. Without a valid code all that is kept is that it refused. */
function readError({ code, message, field }: Record<string, unknown>): WireError {
  const isCode = typeof code === 'string' && code.length <= KEY_MAX_LENGTH
  const sentence = typeof message === 'string' ? message : 'The client refused'
  return {
    code: isCode ? code : 'INVALID_MESSAGE',
    message: sentence.slice(0, SENTENCE_MAX_LENGTH),
    ...(typeof field === 'string' ? { field: field.slice(0, KEY_MAX_LENGTH) } : {}),
  }
}

/** @returns the authentication in an `auth` message */
export function readAuth(channel: number, frame: Record<string, unknown>): Inbound {
  const id = typeof frame.id === 'string' || typeof frame.id === 'number' ? frame.id : undefined
  return { kind: 'auth', channel, credentials: readCredentials(frame), id }
}

/** @returns the credentials in a frame; a field that is no string becomes the empty one, which is never valid */
export function readCredentials(frame: Record<string, unknown>): Credentials {
  const credentials: Credentials = {}
  if (frame.token !== undefined) credentials.token = typeof frame.token === 'string' ? frame.token : ''
  if (frame.ticket !== undefined) credentials.ticket = typeof frame.ticket === 'string' ? frame.ticket : ''
  if (frame.name !== undefined) credentials.name = typeof frame.name === 'string' ? frame.name : ''
  return credentials
}

/** @returns the JSON of the fields that the log adds to an event, without braces */
export function storedJson({ roomId, seq, ts, key, redacted }: Omit<StoredFields, 'n'>): string {
  const room = quoted(roomId)
  const more = `${key === undefined ? '' : `,"key":${quoted(key)}`}${redacted ? ',"redacted":true' : ''}`
  return `"roomId":${room},"seq":${seq},"ts":${ts},"id":${room.slice(0, -1)}-${seq}"${more}`
}

/** @returns the id of a durable event */
export function eventId({ roomId, seq }: Pick<StoredFields, 'roomId' | 'seq'>): string {
  return `${roomId}-${seq}`
}

const SIMPLE = /^[\w :.#-]*$/

/** @returns JSON of a text: most names have nothing to escape, and to look is faster than `JSON.stringify` */
export function quoted(text: string): string {
  return SIMPLE.test(text) ? `"${text}"` : JSON.stringify(text)
}

/** @returns the `data` of a failed acknowledgement, for clients that read only `data` */
export function failureData(error: WireError): Record<string, unknown> {
  return { status: 'error', ...error }
}

/** @returns the arguments of `{event, data}` or `{event, args}` */
export function envelopeArgs(frame: Record<string, unknown>): unknown[] {
  if (Array.isArray(frame.args)) return frame.args
  return frame.data === undefined ? [] : [frame.data]
}

/** @returns the JSON of the arguments after `event`: nothing, `data` for one, `args` for several */
export function envelopeBody({ args, argsJson }: WireEvent): string {
  return args.length === 0 ? '' : args.length === 1 ? `,"data":${argsJson.slice(1, -1)}` : `,"args":${argsJson}`
}

function known(id: RequestId | undefined, event: string | undefined): { id?: RequestId; event?: string } {
  return { ...(id === undefined ? {} : { id }), ...named(event) }
}

function named(event: string | undefined): { event?: string } {
  return event === undefined ? {} : { event }
}
