/**
 * The classic commands: `join`, `message`, `leave`, `list`, one current room, and only the frames it knows. A view over
 * the same rooms and events as everyone's. PROTOCOL.md 5.
 */
import {
  encodePlainControl,
  type Inbound,
  invalid,
  isRecord,
  isRefusal,
  readObject,
  type WireEvent,
} from '@roomful/protocol'
import type { Dialect, Encoding, Request } from '../../../core/ports/dialect.ts'
import { refuseBinary } from '../refuse-binary.ts'
import { textFrame } from '../websocket/frames.ts'

const COMMANDS: ReadonlySet<string> = new Set(['join', 'message', 'leave', 'list'])

/** Every command is answered, so each has an id; classic clients never see it. */
const ANSWERED = 0

const encoding: Encoding = {
  key: 'ws:classic',
  encode(event) {
    if (event.type === 'presence_update') return textFrame(encodePlainControl(event.type, fields(event)))
    const isSaid = event.type === 'message:new' && event.stored?.redacted === false
    return isSaid ? textFrame(encodeMessage(event)) : undefined
  },
}

export const classicDialect: Dialect = {
  name: 'classic',
  resumes: false,
  multiplexed: false,
  view: 'classic',
  encoding: () => encoding,
  decode: (data) => [typeof data === 'string' ? decodeClassic(data) : refuseBinary()],
  nameOf: (type) => type,
  ack: (_channel, _id, data) => {
    const { type, ...rest } = isRecord(data) ? data : {}
    return typeof type === 'string' ? textFrame(encodePlainControl(type, rest)) : undefined
  },
  fail: (_channel, error) => textFrame(encodePlainControl('error', { ...error })),
  control: (type, _channel, data) => textFrame(encodePlainControl(type, data)),
}

/** The first of the commands, in the flat form, makes a plain link classic for good. */
export function toClassic(request: Request): { dialect: Dialect; request: Request } | undefined {
  return COMMANDS.has(request.event) && !request.isEnvelope
    ? { dialect: classicDialect, request: command(request.event, request.args) }
    : undefined
}

function command(type: string, args: unknown[]): Request {
  return { kind: 'request', channel: 0, event: `classic:${type}`, args, id: ANSWERED, key: undefined }
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
  if (COMMANDS.has(type)) return command(type, [rest])
  return { kind: 'request', channel: 0, event: type, args: [rest], id: ANSWERED, key: undefined }
}

function encodeMessage(event: WireEvent): string {
  const { name, content } = fields(event)
  const { roomId, ts, seq } = event.stored as { roomId: string; ts: number; seq: number }
  return encodePlainControl('message', { room: roomId, from: name, text: content, ts, seq })
}

function fields(event: WireEvent): Record<string, unknown> {
  const [data] = event.args
  return isRecord(data) ? data : {}
}
