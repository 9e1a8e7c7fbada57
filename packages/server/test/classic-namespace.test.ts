/** The four classic commands in a namespace of an application, and what a server without namespaces answers. PROTOCOL.md 5. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createRoomful, defineContract, event, type Roomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'

type Frame = Record<string, unknown>

async function listen(prepare: (roomful: Roomful) => unknown): Promise<string> {
  const roomful = createRoomful({ data: ':memory:' })
  onTestFinished(() => roomful.close())
  prepare(roomful)
  const { port } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  return `ws://127.0.0.1:${port}`
}

/** A client that sends a command and waits for the next frame of a type. */
async function open(url: string): Promise<(command: Frame | undefined, type: string) => Promise<Frame>> {
  const socket = new WebSocket(url)
  onTestFinished(() => socket.terminate())
  const frames: Frame[] = []
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString())))
  const next = async (type: string): Promise<Frame> => {
    for (;;) {
      const at = frames.findIndex((frame) => frame.type === type)
      if (at >= 0) return frames.splice(at, 1)[0] as Frame
      await once(socket, 'message')
    }
  }
  await next('auth_ok')
  return (command, type) => {
    if (command) socket.send(JSON.stringify(command))
    return next(type)
  }
}

const CONTRACT = defineContract({
  client: { draw: event({ data: z.object({ x: z.number() }) }) },
  server: { drawn: event({ data: z.object({ x: z.number() }) }) },
})
const CLASSIC = { classic: true, guests: true }

it.each<[how: string, prepare: (roomful: Roomful) => unknown]>([
  ['without a contract', (roomful) => roomful.namespace('/talk', undefined, CLASSIC)],
  ['with a contract', (roomful) => roomful.namespace('/talk', CONTRACT, CLASSIC)],
])('[A1.1] [A1.2] [A1.4] a classic namespace %s understands the four commands', async (_how, prepare) => {
  const url = await listen(prepare)
  const ann = await open(`${url}/ws/talk?name=Ann`)
  const ben = await open(`${url}/ws/talk?name=Ben`)
  expect(await ann({ type: 'join', room: 'den' }, 'joined')).toMatchObject({ room: 'den' })
  await ben({ type: 'join', room: 'den' }, 'joined')
  expect(await ben({ type: 'list' }, 'rooms')).toMatchObject({ rooms: [{ room: 'den', members: 2 }] })
  const heard = ben(undefined, 'message')
  await ann({ type: 'message', text: 'Hello' }, 'presence_update')
  expect(await heard).toMatchObject({ room: 'den', from: 'Ann', text: 'Hello', seq: 1 })
  expect(await ann({ type: 'leave' }, 'left')).toMatchObject({ room: 'den' })
  expect(await ann({ type: 'message', text: 'To whom?' }, 'error')).toMatchObject({ code: 'NOT_IN_ROOM' })
})

it.each(['/ws', '/ws/chat', '/ws/public'])('%s is 404 on a server that declares no namespace', async (path) => {
  const socket = new WebSocket((await listen(() => undefined)) + path)
  socket.on('error', () => undefined)
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  const said = String(await once(response, 'data'))
  socket.terminate()
  expect([response.statusCode, said]).toEqual([404, 'There is no such namespace'])
})
