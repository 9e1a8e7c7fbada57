/** The Socket.IO client of Python as Debian has it, which knows no recovery: its listeners get an event's own arguments. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { createRoomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'

const PYTHON = process.env.PYTHON ?? '/usr/bin/python3'

it.each(['polling', 'websocket'])('[C9] [J26] hears durable and transient events over %s', async (transport) => {
  const roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
  onTestFinished(() => roomful.close())
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  const python = spawn(PYTHON, [new URL('./listen.py', import.meta.url).pathname, url, transport])
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
  expect(await next()).toBe('ok')
  const lobby = roomful.get('/public')
  await lobby.publish('lobby', 'message:new', [{ userId: 'ben', name: 'Ben', content: 'Hello' }])
  expect(await next()).toMatchObject({ seq: 1, content: 'Hello' })
  lobby.to('lobby').emit('cursor', { x: 1 })
  expect(await next()).toEqual({ x: 1 })
  expect(errors).toBe('')
})
