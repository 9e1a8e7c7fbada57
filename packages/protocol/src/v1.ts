/**
 * The SDK's form: the envelope with a channel number `ch` (several connections on one link) and positions. PROTOCOL.md 6.
 * A WebSocket message holds one frame or several, a line each. Unknown frame types and fields are ignored.
 */
import type { WireError } from './codes.ts'
import { MAX_CHANNELS, PROTOCOL_VERSION } from './constants.ts'
import { type Inbound, invalid, type RequestId, type WireEvent } from './dialect.ts'
import { toJson } from './json.ts'
import {
  envelopeArgs,
  envelopeBody,
  isAnswer,
  isRefusal,
  quoted,
  readAnswer,
  readAuth,
  readCredentials,
  readObject,
  readRequest,
  storedJson,
} from './plain.ts'

/** Frames that a client sends. */
export type UpFrame =
  | {
      type: 'open'
      v: number
      ch: number
      ns?: string
      token?: string | undefined
      ticket?: string | undefined
      name?: string | undefined
      session?: string | undefined
      shared?: true
    }
  | { type: 'close'; ch: number; keep?: true }
  | { type: 'auth'; ch: number; token?: string; name?: string; id?: RequestId }
  | { type: 'ping' }
  | {
      type?: undefined
      ch: number
      event: string
      data?: unknown
      args?: unknown[]
      id?: RequestId
      key?: string
      traceparent?: string
    }
  | { type?: undefined; ch: number; ack: number; data?: unknown; error?: WireError }

/** Frames that a server sends. */
export type DownFrame =
  | {
      type: 'welcome'
      v: number
      id: string
      now: number
      protocol: number
      limits: Record<string, number>
      heartbeat: { pingIntervalMs: number; pongTimeoutMs: number }
    }
  | {
      type: 'opened'
      ch: number
      id: string
      user: Record<string, unknown>
      now: number
      session?: string
      sessionMs?: number
      recovered: boolean
    }
  | { type: 'closed'; ch: number; code: number; reason: string; error?: WireError }
  | { type: 'auth_ok'; ch: number; user: Record<string, unknown> }
  | { type: 'auth_expiring'; ch: number; ts: number }
  | { type: 'pong' }
  | { type: 'request'; ch: number; id: number; event: string; data?: unknown; args?: unknown[] }
  | ({ type: 'error'; ch: number; event?: string } & WireError)
  | { type?: undefined; ch: number; ack: RequestId; data?: unknown; error?: WireError }
  | {
      type?: undefined
      ch: number
      event: string
      data?: unknown
      args?: unknown[]
      roomId?: string
      seq?: number
      n?: number
      ts?: number
      id?: string
      key?: string
      redacted?: true
      traceparent?: string
    }

/** Most frames that one WebSocket message may hold. */
export const MAX_FRAMES_PER_MESSAGE = 256

/** @returns what each line of a message says; of kind `invalid` for a line that cannot be decoded, so that it never throws */
export function decodeV1(text: string): Inbound[] {
  if (!text.includes('\n')) return decodeFrame(text)
  const lines = text.split('\n')
  if (lines.length > MAX_FRAMES_PER_MESSAGE) {
    return [invalid(0, 'INVALID_MESSAGE', `A message holds at most ${MAX_FRAMES_PER_MESSAGE} frames`)]
  }
  return lines.flatMap((line) => (line === '' ? [] : decodeFrame(line)))
}

/** @returns what one frame says; an array, since unknown frame types are ignored */
function decodeFrame(line: string): Inbound[] {
  const frame = readObject(line)
  if (isRefusal(frame)) return [frame]
  const object = frame as Record<string, unknown>
  if (object.type === 'ping') return [{ kind: 'ping' }]
  const channel = object.ch
  if (typeof channel !== 'number' || !Number.isInteger(channel) || channel < 1 || channel > MAX_CHANNELS) {
    return [invalid(0, 'INVALID_MESSAGE', `Field ch must be a whole number from 1 to ${MAX_CHANNELS}`, { field: 'ch' })]
  }
  if (object.event !== undefined)
    return [readRequest(channel, object.event, envelopeArgs(object), object.id, object.key, object.traceparent)]
  if (isAnswer(object)) return [readAnswer(channel, object)]
  switch (object.type) {
    case 'open':
      return [
        {
          kind: 'open',
          channel,
          namespace: typeof object.ns === 'string' ? object.ns : undefined,
          credentials: readCredentials(object),
          session: typeof object.session === 'string' ? object.session : undefined,
          ...(object.shared === true && { isShared: true }),
        },
      ]
    case 'close':
      return [{ kind: 'close', channel, ...(object.keep === true && { keepsSession: true }) }]
    case 'auth':
      return [readAuth(channel, object)]
    default:
      return typeof object.type === 'string' ? [] : [readRequest(channel, undefined, [], object.id, undefined)]
  }
}

/** @returns the text of an event, with its position for a durable one */
export function encodeV1Event(channel: number, event: WireEvent): string {
  const { stored, roomId } = event
  const head = `{"ch":${channel},"event":${quoted(event.type)}`
  const body = envelopeBody(event)
  const trace = event.traceparent === undefined ? '' : `,"traceparent":"${event.traceparent}"`
  if (stored !== undefined) return `${head}${body},${storedJson(stored)},"n":${stored.n}${trace}}`
  return `${head}${body}${roomId === undefined ? '' : `,"roomId":${quoted(roomId)}`}${trace}}`
}

/** @returns the text of a request of the server, which a client answers with `{ch, ack: id, data}` */
export function encodeV1Request(channel: number, id: number, event: WireEvent): string {
  return `{"type":"request","ch":${channel},"id":${id},"event":${JSON.stringify(event.type)}${envelopeBody(event)}}`
}

/** @returns the text of a successful acknowledgement */
export function encodeV1Ack(channel: number, id: RequestId, data: unknown): string {
  return `{"ch":${channel},"ack":${JSON.stringify(id)},"data":${toJson(data ?? null)}}`
}

/** @returns the text of a refusal: with `id` a failed acknowledgement, without it an `error` frame */
export function encodeV1Error(channel: number, error: WireError, id?: RequestId, event?: string): string {
  if (id !== undefined) return JSON.stringify({ ch: channel, ack: id, error })
  return JSON.stringify({ type: 'error', ch: channel, ...error, ...(event === undefined ? {} : { event }) })
}

/** @returns the text of a frame that is no event of a namespace: `welcome`, `opened`, `closed`, `auth_ok`, `pong`, … */
export function encodeV1Control(type: string, channel: number | undefined, data: Record<string, unknown>): string {
  const base = type === 'welcome' ? { type, v: PROTOCOL_VERSION } : { type }
  return JSON.stringify({ ...base, ...(channel === undefined ? {} : { ch: channel }), ...data })
}
