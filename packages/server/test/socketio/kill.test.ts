/** The session is stored with the join, so that a client recovers although its server could not say goodbye. D3. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hubOf } from '@roomful/server/testing'
import { expect, it, onTestFinished } from 'vitest'
import { client, connect, next, SECRET, serve, token } from './serve.ts'

const child = new URL('./kill-child.ts', import.meta.url).pathname

/** @returns the port, and what kills the server at once */
async function live(data: string, port: number): Promise<{ port: number; kill: () => Promise<void> }> {
  const args = ['--conditions=source', child, data, String(port), SECRET]
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void server.kill('SIGKILL'))
  const [told] = (await once(server.stdout, 'data')) as [Buffer]
  const kill = async (): Promise<void> => {
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await exited
  }
  return { port: Number(told.toString()), kill }
}

it('[D3] [J14] a client recovers after kill -9 of the server, in the moment in which its join was answered', {
  timeout: 30_000,
}, async () => {
  const data = mkdtempSync(join(tmpdir(), 'roomful-kill-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const first = await live(data, 0)
  const url = `http://localhost:${first.port}`
  const clients = await Promise.all(
    (['websocket', 'polling'] as const).map(async (way) => {
      const socket = client(url, way, { auth: { token: await token(way) } })
      const heard: unknown[] = []
      socket.on('message:new', ({ roomId, seq, content }) => heard.push([roomId, seq, content]))
      await next(socket, 'connect')
      await socket.emitWithAck('room:join', 'left')
      return { socket, heard }
    }),
  )
  await Promise.all(clients.map(({ socket }) => socket.emitWithAck('room:leave', 'left')))
  await Promise.all(clients.map(({ socket }) => socket.emitWithAck('room:join', 'a')))
  const back = Promise.all(clients.map(({ socket }) => next(socket, 'connect')))
  await first.kill()
  await live(data, first.port)
  await back
  const ben = await connect(url, 'websocket', 'ben')
  for (const roomId of ['left', 'a']) await ben.emitWithAck('message:send', { roomId, content: 'after' })
  for (const { socket, heard } of clients) {
    expect(socket.recovered).toBe(true)
    await socket.emitWithAck('room:list')
    expect(heard).toEqual([['a', 1, 'after']])
  }
})

it('[J14] the answer to a join waits until the session is stored, and what follows waits behind it', async () => {
  const { url, roomful } = await serve()
  const ann = await connect(url, 'websocket', 'ann')
  const ben = await connect(url, 'websocket', 'ben')
  const told: string[] = []
  ann.on('message:new', () => told.push('event'))
  const { broker } = hubOf(roomful).runtime
  let store: () => void = () => undefined
  const asked = new Promise<void>((resolve) => {
    broker.sessionsStored = () => {
      resolve()
      return new Promise((stored) => {
        store = stored
      })
    }
  })
  const joined = new Promise<void>((resolve) => {
    ann.emit('room:join', 'a', () => {
      told.push('joined')
      resolve()
    })
  })
  await asked
  await ben.emitWithAck('message:send', { roomId: 'a', content: 'meanwhile' })
  expect(told).toEqual([])
  store()
  await joined
  await ann.emitWithAck('room:list')
  expect(told).toEqual(['joined', 'event'])
  broker.sessionsStored = () => Promise.reject(new Error('the disk is full'))
  expect(await ann.emitWithAck('room:join', 'b')).toMatchObject({ status: 'ok' })
})
