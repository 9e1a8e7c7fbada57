/** `close()` and `terminate()` of ws, looked at from both ends; and a peer that does not answer. */
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { Demo } from '../demo.ts'

export const terminate: Demo = async (print) => {
  const options = { port: 0, host: '127.0.0.1', closeTimeout: 200 } // 30 s unless it is set
  const server = new WebSocketServer(options)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (const end of ['close', 'terminate'] as const) {
    const client = new WebSocket(`ws://127.0.0.1:${port}`)
    const [[peer]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [[WebSocket], unknown]
    const closes = Promise.all([once(peer, 'close'), once(client, 'close')])
    if (end === 'close') peer.close(4000, 'Enough')
    else peer.terminate()
    const [[ours], [theirs, reason]] = (await closes) as [[number], [number, Buffer]]
    print(`${`${end}():`.padEnd(13)}server ${ours}, client ${theirs} ${reason}`.trimEnd())
  }
  const silent = connect(port, '127.0.0.1')
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13'
  silent.write(`GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${key}\r\n\r\n`)
  silent.resume()
  const [peer] = (await once(server, 'connection')) as [WebSocket]
  peer.close(4000, 'Enough')
  const [code] = await once(peer, 'close')
  print(`close() of a client that does not answer: server ${code}, once the time for an answer is over`)
  silent.destroy()
  server.close()
}
