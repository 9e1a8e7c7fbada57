import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readJsonBody } from '../../src/adapters/http/body.ts'

describe('the body of a request', () => {
  let body: PassThrough
  const read = () => readJsonBody(body as unknown as IncomingMessage)
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    body = new PassThrough()
  })
  afterEach(() => vi.useRealTimers())

  it('is an object, however it is cut, and nothing is an empty one', async () => {
    const reading = read()
    const bytes = Buffer.from('{"name":"Zoë 🙂"}')
    for (const byte of bytes) body.write(Buffer.of(byte))
    body.end()
    expect(await reading).toEqual({ name: 'Zoë 🙂' })
    body = new PassThrough()
    body.end('  ')
    expect(await read()).toEqual({})
  })

  it('that does not arrive is not waited for', async () => {
    const reading = expect(read()).rejects.toMatchObject({ code: 'TIMEOUT' })
    body.write('{"name"')
    await vi.advanceTimersByTimeAsync(10_000)
    await reading
  })

  it('that is cut off is a refusal, and leaves no timer', async () => {
    const reading = expect(read()).rejects.toMatchObject({ code: 'INVALID_MESSAGE' })
    body.destroy()
    await reading
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that is too large is read to its end, kept nowhere, and refused', async () => {
    const reading = expect(read()).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringMatching(/at most 16384 bytes/),
    })
    body.end(Buffer.alloc(100_000, 'x'))
    await reading
  })

  it('that never ends is refused after a while', async () => {
    const reading = expect(read()).rejects.toMatchObject({ code: 'TOO_LARGE' })
    for (let i = 0; i < 5; i++) body.write(Buffer.alloc(1024 ** 2, 'x'))
    await reading
  })
})
