/** The SDK's form, both ways: channels, several frames in a message, what is ignored and what is refused. */
import {
  decodeV1,
  encodeV1Ack,
  encodeV1Control,
  encodeV1Error,
  encodeV1Event,
  MAX_CHANNELS,
  MAX_FRAMES_PER_MESSAGE,
  PROTOCOL_VERSION,
} from '@roomful/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventOf } from './event.ts'

const decoded = (...frames: unknown[]) => decodeV1(frames.map((frame) => JSON.stringify(frame)).join('\n'))

describe('what the SDK says', () => {
  it('[W6] a request has a channel, and its arguments as data or args', () => {
    expect(decoded({ ch: 1, event: 'a', data: { x: 1 }, id: 'q', key: 'k' })).toEqual([
      { kind: 'request', channel: 1, event: 'a', args: [{ x: 1 }], id: 'q', key: 'k' },
    ])
    expect(decoded({ ch: MAX_CHANNELS, event: 'a', args: [1, 2] })).toMatchObject([
      { channel: MAX_CHANNELS, args: [1, 2] },
    ])
  })

  it('[W6] open carries namespace, credentials and session; what is no string is left out or never good', () => {
    expect(
      decoded({ type: 'open', v: 1, ch: 2, ns: '/chat', token: 't', ticket: 'k', name: 'n', session: 's' }),
    ).toEqual([
      {
        kind: 'open',
        channel: 2,
        namespace: '/chat',
        credentials: { token: 't', ticket: 'k', name: 'n' },
        session: 's',
      },
    ])
    expect(decoded({ type: 'open', ch: 2, ns: 1, token: 1, session: 1 })).toEqual([
      { kind: 'open', channel: 2, namespace: undefined, credentials: { token: '' }, session: undefined },
    ])
  })

  it('[W6] auth, close and ping', () => {
    expect(decoded({ type: 'auth', ch: 1, token: 't', id: 3 }, { type: 'close', ch: 1 }, { type: 'ping' })).toEqual([
      { kind: 'auth', channel: 1, credentials: { token: 't' }, id: 3 },
      { kind: 'close', channel: 1 },
      { kind: 'ping' },
    ])
  })

  it('[W6] [D13] a close may keep the session', () => {
    expect(decoded({ type: 'close', ch: 2, keep: true }, { type: 'close', ch: 2, keep: 'yes' })).toEqual([
      { kind: 'close', channel: 2, keepsSession: true },
      { kind: 'close', channel: 2 },
    ])
  })

  it('[W7] one message holds several frames, in order, empty lines aside', () => {
    const [a, b] = [
      { ch: 1, event: 'a' },
      { ch: 2, event: 'b' },
    ].map((frame) => JSON.stringify(frame))
    expect(decodeV1(`${a}\n\n${b}\n`)).toMatchObject([
      { channel: 1, event: 'a' },
      { channel: 2, event: 'b' },
    ])
  })

  it('[W7] one bad frame spoils none of the others', () => {
    expect(decodeV1('{"ch":1,"event":"a"}\n{oops\n{"type":"ping"}')).toMatchObject([
      { kind: 'request' },
      { kind: 'invalid', error: { code: 'PARSE_ERROR' } },
      { kind: 'ping' },
    ])
  })

  it(`[W7] at most ${MAX_FRAMES_PER_MESSAGE} frames`, () => {
    const ping = '{"type":"ping"}'
    expect(decodeV1(new Array(MAX_FRAMES_PER_MESSAGE).fill(ping).join('\n'))).toHaveLength(MAX_FRAMES_PER_MESSAGE)
    expect(decodeV1(new Array(MAX_FRAMES_PER_MESSAGE + 1).fill(ping).join('\n'))).toMatchObject([
      { kind: 'invalid', error: { code: 'INVALID_MESSAGE' } },
    ])
  })

  it('[W8] unknown frame types are ignored, unknown fields too', () => {
    expect(decoded({ type: 'from:the:future', ch: 1 })).toEqual([])
    expect(decoded({ ch: 1, event: 'a', future: 1 })).toMatchObject([{ kind: 'request', args: [] }])
  })

  it.each([0, MAX_CHANNELS + 1, 1.5, '1', null, undefined])('[W2] [C14] channel %j is refused', (ch) => {
    expect(decoded({ ch, event: 'a' })).toMatchObject([
      { kind: 'invalid', channel: 0, error: { code: 'INVALID_MESSAGE', field: 'ch' } },
    ])
  })

  it('[W2] [C14] a frame that is neither a request nor a type is refused, with its id', () => {
    expect(decoded({ ch: 1, id: 5 })).toMatchObject([
      { kind: 'invalid', channel: 1, id: 5, error: { code: 'INVALID_MESSAGE', field: 'type' } },
    ])
    expect(decoded({ ch: 1, event: 5, id: 6 })).toMatchObject([{ kind: 'invalid', channel: 1, id: 6 }])
  })

  it('[W2] whatever the text, nothing is thrown', () => {
    const frames = fc.oneof(
      fc.string(),
      fc.json(),
      fc.object().map((value) => JSON.stringify({ ch: 1, ...value })),
    )
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 4 }), (texts) => {
        expect(Array.isArray(decodeV1(texts.join('\n')))).toBe(true)
      }),
    )
  })
})

describe('what the SDK hears', () => {
  const stored = { id: 'r-1', roomId: 'r', seq: 1, n: 9, ts: 5, key: undefined }

  it('[W9] data stays in data; what a durable event adds stands beside it, with its commit number', () => {
    expect(JSON.parse(encodeV1Event(3, eventOf('message:new', [{ content: 'x', seq: 7 }], stored)))).toEqual({
      ch: 3,
      event: 'message:new',
      data: { content: 'x', seq: 7 },
      roomId: 'r',
      seq: 1,
      ts: 5,
      id: 'r-1',
      n: 9,
    })
    expect(JSON.parse(encodeV1Event(1, eventOf('a', [])))).toEqual({ ch: 1, event: 'a' })
    expect(JSON.parse(encodeV1Event(1, eventOf('a', [1, 2])))).toEqual({ ch: 1, event: 'a', args: [1, 2] })
  })

  it('[W9] a transient event for one room names it', () => {
    const frame = JSON.parse(encodeV1Event(1, { ...eventOf('cursor', [7]), roomId: 'board "1"' }))
    expect(frame).toEqual({ ch: 1, event: 'cursor', data: 7, roomId: 'board "1"' })
  })

  it('[Q2] [Q3] [C11] answers and failures', () => {
    const error = { code: 'CONFLICT', message: 'no' }
    expect(JSON.parse(encodeV1Ack(1, 'q', undefined))).toEqual({ ch: 1, ack: 'q', data: null })
    expect(JSON.parse(encodeV1Error(1, error, 'q', 'a'))).toEqual({ ch: 1, ack: 'q', error })
    expect(JSON.parse(encodeV1Error(1, error, undefined, 'a'))).toEqual({ type: 'error', ch: 1, ...error, event: 'a' })
  })

  it('[W9] [C3] welcome says the version; frames of a channel carry its number', () => {
    expect(JSON.parse(encodeV1Control('welcome', undefined, { id: 'l' }))).toEqual({
      type: 'welcome',
      v: PROTOCOL_VERSION,
      id: 'l',
    })
    expect(JSON.parse(encodeV1Control('opened', 4, {}))).toEqual({ type: 'opened', ch: 4 })
  })
})
