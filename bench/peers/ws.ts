/**
 * A room server on `ws` as it is often written: with `--manner naive` one `send` for each member, with `gathered` one write
 * for all frames of a turn, which is as fast as `ws` gets. It numbers and keeps nothing.
 */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { parseArgs } from 'node:util'
import * as library from 'ws'
import { reportOn } from '../lib/self-report.ts'

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, manner: { type: 'string', default: 'naive' } },
})

/** Its types name only what is documented. */
const { Sender } = library as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } }
const frameOf = (text: string): Buffer =>
  Buffer.concat(Sender.frame(Buffer.from(text), { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true }))

interface Member {
  readonly client: library.WebSocket
  readonly socket: Socket
  waiting: Buffer[]
}

const rooms = new Map<string, Set<Member>>()
let dirty: Member[] = []

function sendNaively(room: ReadonlySet<Member>, text: string): void {
  for (const { client } of room) if (client.readyState === client.OPEN) client.send(text)
}

function gather(room: ReadonlySet<Member>, text: string): void {
  const frame = frameOf(text)
  for (const member of room) {
    if (member.waiting.length === 0) {
      if (dirty.length === 0) setImmediate(flush)
      dirty.push(member)
    }
    member.waiting.push(frame)
  }
}

/** Members of one room have the same frames, which are joined once. */
function flush(): void {
  const members = dirty
  dirty = []
  let last: readonly Buffer[] = []
  let joined = Buffer.alloc(0)
  for (const member of members) {
    const { waiting, client, socket } = member
    member.waiting = []
    if (waiting.length !== last.length || waiting.some((frame, i) => frame !== last[i])) {
      last = waiting
      joined = Buffer.concat(waiting)
    }
    if (client.readyState === client.OPEN) socket.write(joined)
  }
}

const broadcast = values.manner === 'gathered' ? gather : sendNaively
const server = createServer((request, response) => {
  if (!report(request, response)) response.writeHead(404).end()
})
const report = reportOn(server)
const sockets = new library.WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', (client, { socket }) => {
  const member: Member = { client, socket, waiting: [] }
  let room: Set<Member> | undefined
  client.on('message', (data) => {
    const message = JSON.parse(String(data)) as { t: string; r: string }
    if (message.t === 'join') {
      room = rooms.get(message.r) ?? new Set()
      rooms.set(message.r, room.add(member))
      client.send('{"t":"joined"}')
    } else if (message.t === 'pub' && room) broadcast(room, JSON.stringify(message))
  })
  client.on('close', () => room?.delete(member))
  client.on('error', () => undefined)
})
server.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 4096 }, () => {
  process.stdout.write(`ws on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.once('SIGTERM', () => process.exit(0))
