/** What the plain and the v1 form have in common: reading one request, writing one error. */
import { fromJson } from './binary.ts'
import type { WireError } from './error-codes.ts'
import { isRecord } from './event.ts'
import { type Credentials, type Inbound, invalid, type RequestId } from './inbound.ts'
import { isTooDeep } from './json-depth.ts'
import { ID_AS_KEY_LENGTH, KEY_MAX_LENGTH, MAX_ATTACHMENTS, MAX_JSON_DEPTH } from './limits.ts'

const BINARY_MARK = '"$binary"'
/** Of a client's refusal. */
const SENTENCE_MAX_LENGTH = 1_000

/** What {@link readObject} refused with: by identity, since a client may send an object with the same fields. */
const refusals = new WeakSet<object>()

/** @returns the object that `text` holds, or the refusal of it, which {@link isRefusal} tells apart. */
export function readObject(text: string): Record<string, unknown> | Inbound {
  const value = parseObject(text)
  if (typeof value !== 'string') return value
  const refusal = value === '' ? invalid(0, 'PARSE_ERROR') : invalid(0, 'INVALID_MESSAGE', value)
  refusals.add(refusal)
  return refusal
}

/** @returns the object, or what is wrong with it; nothing to say means that it is no JSON */
function parseObject(text: string): Record<string, unknown> | string {
  if (isTooDeep(text)) return `Message is nested deeper than ${MAX_JSON_DEPTH} levels`
  if (text.includes(BINARY_MARK) && text.split(BINARY_MARK).length - 1 > MAX_ATTACHMENTS) {
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

/** @returns true for what {@link readObject} answers when it refuses. */
export function isRefusal(value: object): value is Extract<Inbound, { kind: 'invalid' }> {
  return refusals.has(value)
}

/** Reads `event`, `id` and `key` and wraps the arguments into a request. */
export function readRequest(channel: number, event: unknown, args: unknown[], id: unknown, key: unknown): Inbound {
  const name = typeof event === 'string' ? event : undefined
  if (id !== undefined && typeof id !== 'string' && (typeof id !== 'number' || !Number.isFinite(id))) {
    return invalid(channel, 'INVALID_MESSAGE', 'Field id must be a string or a number', { field: 'id', ...named(name) })
  }
  const requestId = id as RequestId | undefined
  const known = { ...(requestId === undefined ? {} : { id: requestId }), ...named(name) }
  if (typeof requestId === 'string' && requestId.length > KEY_MAX_LENGTH) {
    return invalid(channel, 'INVALID_MESSAGE', `Field id must have at most ${KEY_MAX_LENGTH} characters`, {
      field: 'id',
      ...named(name),
    })
  }
  if (name === undefined || name === '' || name.length > KEY_MAX_LENGTH) {
    const message = event === undefined ? undefined : `Field type must be a string of 1 to ${KEY_MAX_LENGTH} characters`
    return invalid(channel, 'INVALID_MESSAGE', message, { field: 'type', ...known })
  }
  if (key !== undefined && (typeof key !== 'string' || key.length === 0 || key.length > KEY_MAX_LENGTH)) {
    return invalid(channel, 'INVALID_MESSAGE', `Field key must be a string of 1 to ${KEY_MAX_LENGTH} characters`, {
      field: 'key',
      ...known,
    })
  }
  const effectiveKey =
    (key as string | undefined) ??
    (typeof requestId === 'string' && requestId.length >= ID_AS_KEY_LENGTH ? requestId : undefined)
  return { kind: 'request', channel, event: name, args, id: requestId, key: effectiveKey }
}

/** @returns true for the answer to something that the server asked: `{ack, data}`, with or without `type: 'ack'` */
export function isAnswer({ type, event, ack }: Record<string, unknown>): boolean {
  return (
    (typeof ack === 'number' || typeof ack === 'string') &&
    event === undefined &&
    (type === undefined || type === 'ack')
  )
}

export function readAnswer(channel: number, { ack, data, error }: Record<string, unknown>): Inbound {
  return { kind: 'ack', channel, id: ack as RequestId, data, error: isRecord(error) ? readError(error) : undefined }
}

/** What a client refused with; of what is no code only that it refused is kept. */
function readError({ code, message, field }: Record<string, unknown>): WireError {
  const isCode = typeof code === 'string' && code.length <= KEY_MAX_LENGTH
  const sentence = typeof message === 'string' ? message : 'The client refused'
  return {
    code: isCode ? code : 'INVALID_MESSAGE',
    message: sentence.slice(0, SENTENCE_MAX_LENGTH),
    ...(typeof field === 'string' ? { field: field.slice(0, KEY_MAX_LENGTH) } : {}),
  }
}

export function readAuth(channel: number, frame: Record<string, unknown>): Inbound {
  const id = typeof frame.id === 'string' || typeof frame.id === 'number' ? frame.id : undefined
  return { kind: 'auth', channel, credentials: readCredentials(frame), id }
}

/** Fields that are present but no strings become empty strings: given, and never valid. */
export function readCredentials(frame: Record<string, unknown>): Credentials {
  const credentials: Credentials = {}
  if (frame.token !== undefined) credentials.token = typeof frame.token === 'string' ? frame.token : ''
  if (frame.ticket !== undefined) credentials.ticket = typeof frame.ticket === 'string' ? frame.ticket : ''
  if (frame.name !== undefined) credentials.name = typeof frame.name === 'string' ? frame.name : ''
  return credentials
}

/** Fields of a durable event after its own, ready to follow a comma. */
export function storedJson(stored: {
  id: string
  roomId: string
  seq: number
  ts: number
  key: string | undefined
  redacted?: boolean | undefined
}): string {
  const key = stored.key === undefined ? '' : `,"key":${JSON.stringify(stored.key)}`
  const redacted = stored.redacted ? ',"redacted":true' : ''
  return `"roomId":${JSON.stringify(stored.roomId)},"seq":${stored.seq},"ts":${stored.ts},"id":${JSON.stringify(stored.id)}${key}${redacted}`
}

/** The `data` that clients which read only `data` see of a failed request. */
export function failureData(error: WireError): Record<string, unknown> {
  return { status: 'error', ...error }
}

function named(event: string | undefined): { event?: string } {
  return event === undefined ? {} : { event }
}
