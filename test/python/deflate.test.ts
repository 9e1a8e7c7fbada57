/** Compressed messages with the WebSocket clients of Python as Debian has them. `websockets` asks for a window of 4 KiB. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { createRoomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'

const PYTHON = process.env.PYTHON ?? '/usr/bin/python3'

it.each(['websockets', 'aiohttp'])('[D6] %s reads every one of several compressed messages', async (library) => {
  const roomful = createRoomful({ data: ':memory:', deflate: true }).standardNamespaces()
  onTestFinished(() => roomful.close())
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  const script = new URL('./read_compressed.py', import.meta.url).pathname
  const python = spawn(PYTHON, [script, library, `${url.replace('http', 'ws')}/ws/public?name=Ann`])
  onTestFinished(() => void python.kill())
  let errors = ''
  python.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const lines = createInterface(python.stdout)[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`Python ended: ${errors}`)
    return JSON.parse(value)
  }
  expect(await next()).toEqual(['permessage-deflate'])
  expect(await next()).toBe('joined')
  // The second is larger than the window that `websockets` asks for, and repeats itself only across it.
  const long = Array.from({ length: 600 }, (_, i) => `${(i * 7919) % 600} words`).join(' ')
  for (const content of ['a short line '.repeat(60), long + long, 'another one '.repeat(60)]) {
    await roomful.get('/public').publish('lobby', 'message:new', [{ userId: 'ben', name: 'Ben', content }])
    expect(await next()).toBe(content)
  }
  expect(errors).toBe('')
})
