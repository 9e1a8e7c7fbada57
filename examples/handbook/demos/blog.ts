/** A blog where someone comments every few minutes: what a visit costs with a request per page, and with a WebSocket. */
import { connect } from 'node:net'
import { type Demo, start } from '../demo.ts'

const PING_MS = 30_000
const VISIT_MS = 5 * 60_000

export const blog: Demo = async (print) => {
  await using server = await start()
  const get = await exchange(server.port, 'GET /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const upgrade = await exchange(
    server.port,
    'GET /ws/public?name=Ann HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  const beats = VISIT_MS / PING_MS
  const beatBytes = 2 + 6
  print(`one request:   ${get} bytes, and nothing is held`)
  print(`one WebSocket: ${upgrade} bytes to open it (handshake, welcome, who one is)`)
  print(`               ${beats} pings and pongs in five minutes, ${beatBytes} bytes each: ${beats * beatBytes} bytes`)
  print('               a connection held at the server, and at every proxy before it, for the whole visit')
  print('               to bring one comment of some 200 bytes, if one is written at all')
}

/** Bytes both ways, until it is quiet. */
function exchange(port: number, request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.setTimeout(150, () => socket.destroy())
    socket.resume()
    socket.once('error', reject)
    socket.once('close', () => resolve(socket.bytesRead + socket.bytesWritten))
  })
}
