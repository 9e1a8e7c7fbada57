/** The example, with the official Socket.IO client and with what a browser asks before a page of another origin may. */
import { createRoomful } from '@roomful/server'
import express from 'express'
import { io, type Socket } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './server.ts'

const PAGE = 'http://localhost:5173'
let application: Application
let lines: string[]
let onLine: () => void = () => undefined

beforeEach(async () => {
  lines = []
  application = await startApplication(0, (line) => {
    lines.push(line)
    onLine()
  })
})

afterEach(() => application.close())

const ask = (path: string, init?: RequestInit) => fetch(application.url + path, init)

/** A client whose requests say which page they come from, as a browser's do. */
function open(origin: string, transport: string): Socket {
  return io(application.url, { forceNew: true, transports: [transport], extraHeaders: { Origin: origin } })
}

const next = (socket: Socket, event: string) => new Promise((resolve) => socket.once(event, resolve))

it('[B15] serves the files of public/, the endpoints of the application, and the status', async () => {
  const page = await (await ask('/')).text()
  expect(page).toContain('<title>Roomful beside Express</title>')
  expect((await ask('/vendor/socket.io.esm.min.js')).status).toBe(200)
  expect(await (await ask('/hello')).json()).toEqual({ hello: 'from Express' })
  expect(await (await ask('/api/status')).text()).toBe('{"status":"online"}')
  expect((await ask('/nothing')).status).toBe(404)
})

describe('[B15] a page of http://localhost:5173', () => {
  const preflight = (path: string, origin: string) =>
    ask(path, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type',
      },
    })

  it.each(['/api/status', '/socket.io/?EIO=4&transport=polling'])('may ask %s, and no other page may', async (path) => {
    const allowed = await preflight(path, PAGE)
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe(PAGE)
    expect(allowed.headers.get('access-control-allow-methods')).toContain('POST')
    expect(allowed.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('content-type')
    expect((await ask(path, { headers: { Origin: PAGE } })).headers.get('access-control-allow-origin')).toBe(PAGE)
    const other = await preflight(path, 'http://localhost:5174')
    expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([403, null])
  })

  it.each(['polling', 'websocket'])(
    'connects over %s, and is logged with its id; another page is not let in',
    async (transport) => {
      const socket = open(PAGE, transport)
      await next(socket, 'connect')
      const { id } = socket
      const gone = new Promise<void>((resolve) => {
        onLine = () => lines.some((line) => line.startsWith('disconnected')) && resolve()
      })
      socket.disconnect()
      await gone
      expect(lines).toEqual([`connected ${id}`, `disconnected ${id}: Closed by the client`])
      const other = open('http://localhost:5174', transport)
      expect(await next(other, 'connect_error')).toBeInstanceOf(Error)
      other.disconnect()
    },
  )
})

it('[B16] given the Express application instead of the server, it says what is wrong and what to do', async () => {
  await using roomful = createRoomful({ data: ':memory:' })
  expect(() => roomful.attach(express() as never)).toThrow(
    /an application \(a function\).*createServer\(app\).*server\.listen/s,
  )
})
