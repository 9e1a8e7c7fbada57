/** The Express application where the HTTP server belongs: Socket.IO's own server, then ours, then the way it is meant. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRoomful } from '@roomful/server'
import express from 'express'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import type { Demo } from '../demo.ts'

export const wrongServer: Demo = async (print) => {
  const app = express()
  print('new Server(app), with socket.io')
  print(`  ${attempt(() => new Server(app as never))}`)
  print('roomful.attach(app)')
  await using mistaken = createRoomful({ data: ':memory:' }).standardNamespaces()
  print(`  ${attempt(() => mistaken.attach(app as never))}`)

  print('new Server(), and app.listen()')
  new Server()
  const listening = app.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  print(`  ${await connects((listening.address() as AddressInfo).port)}`)
  listening.close()

  print('const server = createServer(app); roomful.attach(server); server.listen()')
  await using roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
  const server = createServer(app)
  roomful.attach(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  print(`  ${await connects((server.address() as AddressInfo).port)}`)
  server.close()
}

function attempt(run: () => unknown): string {
  try {
    run()
    return 'no error'
  } catch (error) {
    return String(error)
  }
}

async function connects(port: number): Promise<string> {
  const client = io(`http://127.0.0.1:${port}/public`, { reconnection: false, auth: { name: 'Ann' } })
  try {
    return await new Promise<string>((resolve) => {
      client.once('connect', () => resolve('a client connects'))
      client.once('connect_error', ({ message }) => resolve(`a client gets connect_error: ${message}`))
    })
  } finally {
    client.disconnect()
  }
}
