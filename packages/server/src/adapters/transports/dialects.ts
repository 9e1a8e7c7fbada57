/**
 * The dialects over WebSocket: plain (PROTOCOL.md, section 4), classic (section 5) and v1 for the SDK (section 6). Each
 * encodes in frames, so that every link of a dialect is written the same bytes.
 */
import {
  decodePlain,
  decodeV1,
  encodePlainAck,
  encodePlainControl,
  encodePlainError,
  encodePlainEvent,
  encodePlainRequest,
  encodeV1Ack,
  encodeV1Control,
  encodeV1Error,
  encodeV1Event,
  encodeV1Request,
  type Inbound,
  invalid,
  isRecord,
  isRefusal,
  MAX_CHANNELS,
  plainName,
  readObject,
  type WireEvent,
} from '@roomful/protocol'
import type { Dialect, Encoding, Request } from '../../core/ports/dialect.ts'
import { ackFrame, textFrame } from './websocket/frames.ts'

const plainEncoding: Encoding = { key: 'ws:plain', encode: (event) => textFrame(encodePlainEvent(event)) }

/** JSON objects with a `type`, for clients without an SDK. The first classic command switches a link to {@link classicDialect}. */
export const plainDialect: Dialect = {
  name: 'plain',
  resumes: false,
  multiplexed: false,
  view: 'all',
  encoding: () => plainEncoding,
  decode: (data) => [typeof data === 'string' ? decodePlain(data) : refuseBinary()],
  switchDialect: toClassic,
  nameOf: plainName,
  ack: (_channel, id, data) => ackFrame(data, (plain) => encodePlainAck(id, plain)),
  request: (_channel, id, event) => textFrame(encodePlainRequest(id, event)),
  fail: (_channel, error, id, event) => textFrame(encodePlainError(error, id, event)),
  control: (type, _channel, data) => textFrame(encodePlainControl(type, data)),
}

/** Frames contain the channel number, so links share the bytes of an event when they use the same number. */
const v1Encodings: readonly Encoding[] = Array.from({ length: MAX_CHANNELS + 1 }, (_, channel) => ({
  key: `ws:v1:${channel}`,
  encode: (event) => textFrame(encodeV1Event(channel, event)),
}))

/** The SDK's envelopes: several namespaces on one link, sessions that resume, acknowledgements by id. */
export const v1Dialect: Dialect = {
  name: 'v1',
  resumes: true,
  multiplexed: true,
  view: 'all',
  encoding: (channel) => v1Encodings[channel] as Encoding,
  decode: (data) => (typeof data === 'string' ? decodeV1(data) : [refuseBinary()]),
  nameOf: (type) => type,
  ack: (channel, id, data) => ackFrame(data, (plain) => encodeV1Ack(channel, id, plain)),
  request: (channel, id, event) => textFrame(encodeV1Request(channel, id, event)),
  fail: (channel, error, id, event) => textFrame(encodeV1Error(channel, error, id, event)),
  control: (type, channel, data) => textFrame(encodeV1Control(type, channel, data)),
}

const CLASSIC_COMMANDS: ReadonlySet<string> = new Set(['join', 'message', 'leave', 'list'])

/** Classic clients send no ids. Every command is answered, so each gets this one; it is never sent. */
const CLASSIC_REQUEST_ID = 0

const classicEncoding: Encoding = {
  key: 'ws:classic',
  encode(event) {
    if (event.type === 'presence_update') return textFrame(encodePlainControl(event.type, fields(event)))
    // These clients know no pieces: a message that is written in some comes when it has ended.
    const message = event.type === 'message:ended' ? event.about : event
    const isMessage = message?.type === 'message:new' && message.stored?.redacted === false
    return isMessage && !isGrowing(message) ? textFrame(encodeClassicMessage(message)) : undefined
  },
}

/**
 * The classic commands `join`, `message`, `leave` and `list`, with one current room. These clients receive only frames
 * that they know, about the same rooms and events as all others.
 */
export const classicDialect: Dialect = {
  name: 'classic',
  resumes: false,
  multiplexed: false,
  view: 'classic',
  encoding: () => classicEncoding,
  decode: (data) => [typeof data === 'string' ? decodeClassic(data) : refuseBinary()],
  nameOf: (type) => type,
  ack: (_channel, _id, data) => {
    const { type, ...rest } = isRecord(data) ? data : {}
    return typeof type === 'string' ? textFrame(encodePlainControl(type, rest)) : undefined
  },
  fail: (_channel, error) => textFrame(encodePlainControl('error', { ...error })),
  control: (type, _channel, data) => textFrame(encodePlainControl(type, data)),
}

/** Only the flat form counts: an envelope with such a name is an event of the application. */
function toClassic(request: Request): { dialect: Dialect; request: Request } | undefined {
  return CLASSIC_COMMANDS.has(request.event) && !request.isEnvelope
    ? { dialect: classicDialect, request: classicRequest(request.event, request.args) }
    : undefined
}

function classicRequest(type: string, args: unknown[]): Request {
  return { kind: 'request', channel: 0, event: `classic:${type}`, args, id: CLASSIC_REQUEST_ID, key: undefined }
}

function decodeClassic(text: string): Inbound {
  const frame = readObject(text)
  if (isRefusal(frame)) return frame
  const { type, ...rest } = frame as Record<string, unknown>
  if (type === 'ping') return { kind: 'ping' }
  if (type === undefined) return invalid(0, 'INVALID_MESSAGE')
  if (type === 'auth') {
    const { token, name } = rest
    const credentials = {
      ...(typeof token === 'string' ? { token } : {}),
      ...(typeof name === 'string' ? { name } : {}),
    }
    return { kind: 'auth', channel: 0, credentials, id: undefined }
  }
  if (typeof type !== 'string') return invalid(0, 'INVALID_MESSAGE', 'Field type must be a string', { field: 'type' })
  if (CLASSIC_COMMANDS.has(type)) return classicRequest(type, [rest])
  return { kind: 'request', channel: 0, event: type, args: [rest], id: CLASSIC_REQUEST_ID, key: undefined }
}

function encodeClassicMessage(event: WireEvent): string {
  const { name, content } = fields(event)
  const { roomId, ts, seq } = event.stored as { roomId: string; ts: number; seq: number }
  return encodePlainControl('message', { room: roomId, from: name, text: content, ts, seq })
}

function isGrowing({ args }: WireEvent): boolean {
  return isRecord(args[0]) && args[0].streaming === true
}

function fields(event: WireEvent): Record<string, unknown> {
  const [data] = event.args
  return isRecord(data) ? data : {}
}

/** Answers a binary frame in a namespace whose events are JSON. */
export function refuseBinary(): Inbound {
  return invalid(0, 'INVALID_MESSAGE', 'This namespace takes text; send JSON, with bytes as {"$binary":"<base64>"}')
}
