/** `/ws/echo` and the native client of C1: text, binary, Blob and close codes go through unharmed. C1. */
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { dial } from './lib/client.ts'
import { CLOSE, closePayload, frame, openRaw, PING, PONG, TEXT } from './lib/raw.ts'
import { UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

it('[C1] text comes back behind "Server echo: "', async () => {
  const client = dial(server, '/ws/echo')
  await client.opened()
  for (const text of ['Hello!', '', 'new\nline', '🙂 naïve \u0000', '{"type":"ping"}', 'x'.repeat(60_000)]) {
    client.sendRaw(text)
    expect(await client.nextRaw()).toBe(`Server echo: ${text}`)
  }
})

it('[C1] binary comes back byte for byte', async () => {
  const client = dial(server, '/ws/echo')
  await client.opened()
  const float = new DataView(new ArrayBuffer(8))
  float.setFloat64(0, 3.14)
  for (const bytes of [
    Buffer.from(float.buffer),
    Buffer.alloc(0),
    randomBytes(125),
    randomBytes(126),
    randomBytes(60_000),
  ]) {
    client.sendRaw(bytes)
    const back = (await client.nextRaw()) as Buffer
    expect(Buffer.isBuffer(back)).toBe(true)
    expect(back.equals(bytes)).toBe(true)
  }
})

it('[C1] fragments are one message, with a ping in between answered at once', async () => {
  const raw = await openRaw(server.port, '/ws/echo')
  raw.write(frame(TEXT, 'one ', { fin: false }))
  raw.write(frame(PING, 'in between'))
  expect((await raw.next(PONG)).payload.toString()).toBe('in between')
  raw.write(frame(0, 'two ', { fin: false }))
  raw.write(frame(0, 'three'))
  const texts: string[] = []
  while (!texts.at(-1)?.startsWith('Server echo')) texts.push((await raw.next(TEXT)).payload.toString())
  expect(texts.at(-1)).toBe('Server echo: one two three')
})

it('[C1] [A3.5] a close with code and reason is answered with the same code', async () => {
  const client = dial(server, '/ws/echo')
  await client.opened()
  client.socket.close(1000, 'Goodbye')
  expect((await client.closed).code).toBe(1000)

  const raw = await openRaw(server.port, '/ws/public')
  raw.write(frame(CLOSE, closePayload(4321, 'own code')))
  expect(await raw.closeCode()).toBe(4321)
  await raw.ended
})
