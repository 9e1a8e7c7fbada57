/** A real opening handshake, byte for byte, and what the server says to a wrong one. */
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { type Demo, start } from '../demo.ts'

/** RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** Enough of the first frame to be shown. */
const FRAME_START = 60
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

export const handshake: Demo = async (print) => {
  await using server = await start()
  const request = [
    'GET /ws/public?name=Ann HTTP/1.1',
    `Host: localhost:${server.port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${KEY}`,
    'Sec-WebSocket-Version: 13',
  ]
  const answer = await exchange(server.port, request)
  for (const line of request) print(`> ${line}`)
  print('>')
  for (const line of answer.head) print(`< ${line}`)
  print('<')
  print(`< ${hex(answer.rest.subarray(0, 2))} … the first frame, a text of ${answer.rest.readUInt16BE(2)} bytes:`)
  print(`< ${answer.rest.subarray(4, 50)}…`)
  print()
  print(
    `base64(sha1(key + GUID)) = ${createHash('sha1')
      .update(KEY + GUID)
      .digest('base64')}`,
  )
  print()
  const without = (name: string): string[] => request.filter((line) => !line.startsWith(name))
  for (const [what, lines] of [
    ['without Upgrade and Connection', without('Upgrade').filter((line) => !line.startsWith('Connection'))],
    ['without Sec-WebSocket-Key', without('Sec-WebSocket-Key')],
    ['with version 12', [...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 12']],
    ['as POST', ['POST /ws/public HTTP/1.1', ...request.slice(1)]],
  ] as const) {
    const { head } = await exchange(server.port, lines)
    const versions = head.filter((line) => /^(?:Sec-WebSocket-Version|Allow)/i.test(line))
    print([`${what}: ${head[0]}`, ...versions].join(', '))
  }
}

/** Up to the first frame of the server, or to the end of what it answers. */
function exchange(port: number, lines: readonly string[]): Promise<{ head: string[]; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`))
    let bytes: Buffer = Buffer.alloc(0)
    socket.once('error', reject)
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) return
      const rest = bytes.subarray(end + 4)
      const head = bytes.subarray(0, end).toString('latin1').split('\r\n')
      const isSwitched = head[0]?.includes(' 101 ')
      if (isSwitched && rest.length < FRAME_START) return
      socket.destroy()
      resolve({ head, rest })
    })
  })
}

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replaceAll(/(..)(?=.)/g, '$1 ')
