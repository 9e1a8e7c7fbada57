/** What Socket.IO says inside a WebSocket, and what happens when only one end speaks it. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { io } from 'socket.io-client'
import { WebSocket, WebSocketServer } from 'ws'
import { type Demo, start } from '../demo.ts'

export const layers: Demo = async (print) => {
  await using server = await start()
  print('A bare WebSocket at /socket.io, which answers by hand')
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/socket.io/?EIO=4&transport=websocket`)
  const next = async (): Promise<string> => String((await once(socket, 'message'))[0])
  const say = (text: string): void => {
    print(`  > ${text}`)
    socket.send(text)
  }
  print(`  < ${shortened(await next())}   Engine.IO: open`)
  say('40/public,{"name":"Ann"}')
  print(`  < ${shortened(await next())}   Engine.IO message, Socket.IO connect`)
  say('42/public,7["room:join","lobby"]')
  for (let text = ''; !text.startsWith('43'); ) {
    text = await next()
    print(`  < ${shortened(text)}`)
  }
  say('41/public,')
  socket.close(1000)
  await once(socket, 'close')

  print('A bare WebSocket at /socket.io, which says JSON as it would to a plain server')
  const plain = new WebSocket(`ws://127.0.0.1:${server.port}/socket.io/?EIO=4&transport=websocket`)
  await once(plain, 'message')
  plain.send('{"type":"room:join","roomId":"lobby"}')
  const [code, reason] = (await once(plain, 'close')) as [number, Buffer]
  print(`  closed with ${code} ${reason}`.trimEnd())

  print('An official Socket.IO client at a plain WebSocket server')
  const echo = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(echo, 'listening')
  echo.on('connection', (peer) => peer.send('hello'))
  const { port } = echo.address() as AddressInfo
  for (const transport of ['polling', 'websocket']) {
    const client = io(`http://127.0.0.1:${port}`, { transports: [transport], reconnection: false, timeout: 300 })
    const error = await new Promise<Error>((resolve) => client.once('connect_error', resolve))
    print(`  ${transport}: connect_error: ${error.message}`)
    client.disconnect()
  }
  for (const peer of echo.clients) peer.terminate()
  echo.close()
}

const shortened = (text: string): string => (text.length > 48 ? `${text.slice(0, 47)}…` : text)
