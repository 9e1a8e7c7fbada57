/** Debian's Socket.IO client for Python on `@roomful/socket.io`: with events that are stored and clients that come back, and without. */
import { spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { Server } from '@roomful/socket.io'
import { describe, expect, it, onTestFinished } from 'vitest'

const PYTHON = process.env.PYTHON ?? '/usr/bin/python3'
const kinds = {
  nothing: {},
  durable: { durable: { events: ['message:*'], data: ':memory:' } },
  'connection state recovery': { connectionStateRecovery: {} },
}

describe.each(Object.entries(kinds))('with %s', (_, options) => {
  it.each(['polling', 'websocket'])('gets the arguments of events and an answer over %s', async (transport) => {
    const io = new Server(0, options)
    onTestFinished(() => io.close())
    io.on('connection', (socket) => {
      socket.join('room')
      socket.on('say', (text, answer) => {
        io.to('room').emit('message:new', text, 1)
        socket.emit('note', text)
        answer('said', socket.handshake.auth.name)
      })
    })
    const { port } = io.httpServer.address() as AddressInfo
    const script = new URL('./drop_in.py', import.meta.url).pathname
    const python = spawn(PYTHON, [script, `http://127.0.0.1:${port}`, transport])
    onTestFinished(() => void python.kill())
    let errors = ''
    python.stderr.on('data', (chunk) => {
      errors += chunk
    })
    const lines: unknown[] = []
    for await (const line of createInterface(python.stdout)) {
      lines.push(JSON.parse(line))
      if (lines.length === 3) break
    }
    expect(lines, errors).toHaveLength(3)
    expect(lines).toEqual(expect.arrayContaining([['message:new', 'hello', 1], ['note', 'hello'], ['answer', 'said', 'Ann']])) // biome-ignore format: rows
    expect(errors).toBe('')
  })
})
