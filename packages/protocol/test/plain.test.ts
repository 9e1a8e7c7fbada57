/** The plain form, both ways: every shape that it takes, every refusal with its sentence. */
import {
  decodePlain,
  encodePlainAck,
  encodePlainControl,
  encodePlainError,
  encodePlainEvent,
  isSampledTrace,
  isSpreadable,
  isTraceparent,
  plainObject,
  RESERVED_FIELDS,
  type WireEvent,
} from '@roomful/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventOf } from './event.ts'

const request = (
  event: string,
  args: unknown[],
  more: { id?: string | number; key?: string; isEnvelope?: true } = {},
) => ({
  kind: 'request',
  channel: 0,
  event,
  args,
  id: more.id,
  key: more.key,
  ...(more.isEnvelope && { isEnvelope: true }),
})

const decoded = (message: unknown) => decodePlain(JSON.stringify(message))

describe('what a plain client says', () => {
  it.each([
    ['flat', { type: 'a', x: 1, id: 7, key: 'k' }, request('a', [{ x: 1 }], { id: 7, key: 'k' })],
    ['flat without data', { type: 'a' }, request('a', [])],
    ['flat with data alone', { type: 'a', data: 'lobby' }, request('a', ['lobby'])],
    ['flat with data and more', { type: 'a', data: 1, x: 2 }, request('a', [{ data: 1, x: 2 }])],
    ['flat with args', { type: 'a', args: [1, 2] }, request('a', [1, 2])],
    ['flat with args that are no list', { type: 'a', args: 1 }, request('a', [{ args: 1 }])],
    ['flat beside an event field', { type: 'a', event: 'b' }, request('a', [{ event: 'b' }])],
    ['envelope', { event: 'a', data: { x: 1 }, id: 'q' }, request('a', [{ x: 1 }], { id: 'q', isEnvelope: true })],
    ['envelope with null', { event: 'a', data: null }, request('a', [null], { isEnvelope: true })],
    ['envelope with args', { event: 'a', args: [1, 2] }, request('a', [1, 2], { isEnvelope: true })],
    ['envelope without data', { event: 'a' }, request('a', [], { isEnvelope: true })],
  ])('[W1] [C10] [C11] %s', (_name, message, expected) => {
    expect(decoded(message)).toEqual(expected)
  })

  it('[W1] [P15] is read as ever where the type comes first, which is read faster', () => {
    const names = fc.constantFrom('type', 'id', 'key', 'event', 'data', 'args', 'ack', '__proto__', 'x', '"', 'é', '')
    const fields = fc.dictionary(names, fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: false })
    const types = fc.oneof(
      fc.constantFrom('pub', 'ping', 'auth', 'ack', '', 'a"', 'a\\u0000', '\u0007', 'é'),
      fc.jsonValue(),
    )
    const endings = fc.constantFrom('', '', '', '}', ',', ',}', ' ', 'x')
    const separators = fc.constantFrom(',', ',', ',', ', ', ',,', '')
    fc.assert(
      fc.property(types, fields, separators, endings, fc.boolean(), (type, more, separator, ending, isRaw) => {
        const head = isRaw && typeof type === 'string' ? `"${type}"` : JSON.stringify(type)
        const text = `{"type":${head}${separator}${JSON.stringify(more).slice(1)}${ending}`
        expect(decodePlain(text)).toEqual(decodePlain(` ${text}`))
      }),
      { numRuns: 2_000 },
    )
  })

  it('[W1] ping is a frame of its own', () => {
    expect(decoded({ type: 'ping', id: 1 })).toEqual({ kind: 'ping' })
  })

  it('[H2] [C6] credentials that are no strings count as given, and never as good', () => {
    expect(decoded({ type: 'auth', token: 't' })).toEqual({
      kind: 'auth',
      channel: 0,
      credentials: { token: 't' },
      id: undefined,
    })
    expect(decoded({ type: 'auth', token: 5, ticket: null, name: {} })).toMatchObject({
      credentials: { token: '', ticket: '', name: '' },
    })
    expect(decoded({ type: 'auth' })).toMatchObject({ credentials: {} })
  })

  it('[K4] [C21] an id of 16 characters is a key as well, a shorter or numeric one is not', () => {
    expect(decoded({ type: 'a', id: 'x'.repeat(16) })).toMatchObject({ key: 'x'.repeat(16) })
    expect(decoded({ type: 'a', id: 'x'.repeat(15) })).toMatchObject({ key: undefined })
    expect(decoded({ type: 'a', id: 1234567890123456 })).toMatchObject({ key: undefined })
    expect(decoded({ type: 'a', id: 'x'.repeat(16), key: 'k' })).toMatchObject({ key: 'k' })
  })

  it.each<[string, string, object]>([
    ['no JSON', '{"type":', { code: 'PARSE_ERROR', message: 'Invalid JSON' }],
    ['nothing', '', { code: 'PARSE_ERROR' }],
    ['an array', '[]', { code: 'INVALID_MESSAGE', message: 'Message must be a JSON object' }],
    ['a string', '"type"', { code: 'INVALID_MESSAGE' }],
    ['null', 'null', { code: 'INVALID_MESSAGE' }],
    ['bytes', '{"$binary":"AA=="}', { code: 'INVALID_MESSAGE', message: 'Message must be a JSON object' }],
    ['no type', '{"x":1}', { code: 'INVALID_MESSAGE', message: 'Message must have a type field', field: 'type' }],
    ['a type that is no string', '{"type":1}', { code: 'INVALID_MESSAGE', field: 'type' }],
    ['an empty type', '{"type":""}', { code: 'INVALID_MESSAGE', field: 'type' }],
    ['a type too long', JSON.stringify({ type: 'x'.repeat(129) }), { code: 'INVALID_MESSAGE', field: 'type' }],
    ['an id of a wrong kind', '{"type":"a","id":{}}', { code: 'INVALID_MESSAGE', field: 'id' }],
    ['an id that is null', '{"type":"a","id":null}', { code: 'INVALID_MESSAGE', field: 'id' }],
    ['an id too large', '{"type":"a","id":1e999}', { code: 'INVALID_MESSAGE', field: 'id' }],
    ['an id too long', JSON.stringify({ type: 'a', id: 'x'.repeat(129) }), { code: 'INVALID_MESSAGE', field: 'id' }],
    ['a key that is no string', '{"type":"a","key":1}', { code: 'INVALID_MESSAGE', field: 'key' }],
    ['an empty key', '{"type":"a","key":""}', { code: 'INVALID_MESSAGE', field: 'key' }],
    ['a key too long', JSON.stringify({ type: 'a', key: 'x'.repeat(129) }), { code: 'INVALID_MESSAGE', field: 'key' }],
  ])('[W2] [C14] %s is refused', (_name, text, error) => {
    expect(decodePlain(text)).toMatchObject({ kind: 'invalid', channel: 0, error })
  })

  it('[W2] [C14] a refusal carries the id and the event that it is about', () => {
    expect(decoded({ type: 'a', id: 7, key: 1 })).toMatchObject({ kind: 'invalid', id: 7, event: 'a' })
    expect(decoded({ type: '', id: 7 })).toMatchObject({ kind: 'invalid', id: 7 })
    expect(decoded({ type: 'a', id: [] })).toMatchObject({ kind: 'invalid', id: undefined, event: 'a' })
  })

  it('[W2] [C14] a client cannot pass off its own object as a refusal', () => {
    const forged = { kind: 'invalid', channel: 5, error: { code: 'X' } }
    expect(decoded({ type: 'a', ...forged })).toEqual(request('a', [forged]))
    expect(decoded(forged)).toMatchObject({ kind: 'invalid', channel: 0, error: { code: 'INVALID_MESSAGE' } })
  })

  it('[W3] [C14] __proto__ is a field like any other', () => {
    const result = decodePlain('{"type":"a","__proto__":{"polluted":true}}')
    expect(result).toMatchObject({ kind: 'request' })
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it('[W2] whatever the text, it is decoded or refused, and nothing is thrown', () => {
    const frames = fc.oneof(
      fc.string(),
      fc.json(),
      fc.object().map((value) => JSON.stringify(value)),
    )
    fc.assert(fc.property(frames, (text) => ['request', 'auth', 'ping', 'invalid'].includes(decodePlain(text).kind)))
  })
})

describe('what a plain client hears', () => {
  it.each<[string, WireEvent, object]>([
    ['an object, spread', eventOf('a', [{ x: 1 }]), { type: 'a', x: 1 }],
    ['an empty object', eventOf('a', [{}]), { type: 'a' }],
    ['a string', eventOf('a', ['x']), { type: 'a', data: 'x' }],
    ['a list', eventOf('a', [[1, 2]]), { type: 'a', data: [1, 2] }],
    ['null', eventOf('a', [null]), { type: 'a', data: null }],
    ['several arguments', eventOf('a', [1, { x: 2 }]), { type: 'a', args: [1, { x: 2 }] }],
    ['no argument', eventOf('a', []), { type: 'a' }],
    ['bytes', eventOf('a', [new Uint8Array([0, 255])]), { type: 'a', data: { $binary: 'AP8=' } }],
    ['a reserved name', eventOf('a', [{ seq: 1 }]), { type: 'a', data: { seq: 1 } }],
    ['a message in a room', eventOf('message:new', [{ content: 'x' }]), { type: 'chat:message', content: 'x' }],
  ])('[W4] [C10] %s', (_name, event, expected) => {
    expect(JSON.parse(encodePlainEvent(event))).toEqual(expected)
  })

  it.each(RESERVED_FIELDS)('[W4] data with a field %s travels under data', (name) => {
    expect(isSpreadable({ [name]: 1 })).toBe(false)
    expect(isSpreadable({ [`${name}_`]: 1 })).toBe(true)
  })

  it('[W5] [C21] a durable event carries roomId, seq, ts, id, and its key when there was one', () => {
    const stored = { id: 'r"-1', roomId: 'r"', seq: 1, n: 9, ts: 5, key: undefined }
    const event = eventOf('a', [{ x: 1 }], stored)
    expect(JSON.parse(encodePlainEvent(event))).toEqual({ type: 'a', x: 1, roomId: 'r"', seq: 1, ts: 5, id: 'r"-1' })
    const keyed = eventOf('a', [], { ...stored, key: 'k' })
    expect(JSON.parse(encodePlainEvent(keyed))).toEqual({
      type: 'a',
      roomId: 'r"',
      seq: 1,
      ts: 5,
      id: 'r"-1',
      key: 'k',
    })
  })

  it('[W5] in a history an event has the fields that it has live', () => {
    const stored = { id: 'r-1', roomId: 'r', seq: 1, n: 9, ts: 5, key: 'k' }
    const shapes = [[{ x: 1 }], ['x'], [1, 2], [], [{ seq: 1 }]].map((args) => eventOf('a', args, stored))
    for (const event of shapes) expect(plainObject(event)).toEqual(JSON.parse(encodePlainEvent(event)))
  })

  it('[Q2] [C11] an answer carries the id as it was, and null for no data', () => {
    expect(JSON.parse(encodePlainAck(7, { a: 1 }))).toEqual({ type: 'ack', ack: 7, data: { a: 1 } })
    expect(JSON.parse(encodePlainAck('7"', undefined))).toEqual({ type: 'ack', ack: '7"', data: null })
  })

  it('[Q3] [C11] a failure is an ack with error and data, or an error message with the event', () => {
    const error = { code: 'RATE_LIMITED', message: 'slow down', retryAfter: 2 }
    expect(JSON.parse(encodePlainError(error, 7, 'a'))).toEqual({
      type: 'ack',
      ack: 7,
      error,
      data: { status: 'error', ...error },
    })
    expect(JSON.parse(encodePlainError(error, undefined, 'a'))).toEqual({ type: 'error', ...error, event: 'a' })
    expect(JSON.parse(encodePlainControl('pong'))).toEqual({ type: 'pong' })
  })
})

it('the flag of a trace is read also in a later version, which has more behind it', () => {
  const ids = `${'a'.repeat(32)}-${'b'.repeat(16)}`
  const traces = [`00-${ids}-01`, `00-${ids}-00`, `01-${ids}-03-more`, `01-${ids}-02-01`]
  expect(traces.map(isTraceparent)).toEqual([true, true, true, true])
  expect(traces.map(isSampledTrace)).toEqual([true, false, true, false])
})
