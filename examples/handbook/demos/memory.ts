/** What a connection costs in a process of its own: two servers on `ws`, Socket.IO, and Roomful with numbers, presence and recovery. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { io } from 'socket.io-client'
import { WebSocket } from 'ws'
import { Client, columns, type Demo } from '../demo.ts'

const CONNECTIONS = 200
/** They connect in groups, so that none waits for long. */
const GROUP = 50

interface Memory {
  readonly used: number
  readonly rss: number
}

type Close = () => void

const kinds: readonly (readonly [kind: string, name: string, connect: (port: number, at: number) => Promise<Close>])[] =
  [
    ['ws', 'ws', connectPlainly],
    ['deflate', 'ws with permessage-deflate', connectPlainly],
    ['socketio', 'Socket.IO', connectWithSocketIo],
    ['roomful', 'Roomful, in a room', connectToRoom],
  ]

export const memory: Demo = async (print) => {
  print(`${CONNECTIONS} idle connections that have received a message; KB for each`)
  const rows = await Promise.all(kinds.map(([kind, name, connect]) => measure(kind, name, connect)))
  for (const line of columns([['', 'heap and buffers', 'of the process'], ...rows])) print(line)
}

async function measure(kind: string, name: string, connect: (typeof kinds)[number][2]): Promise<string[]> {
  const execArgv = ['--expose-gc', '--conditions=source', '--no-warnings']
  const child = fork(new URL('../memory-server.ts', import.meta.url), [kind], { execArgv, env: {} })
  const [port] = (await once(child, 'message')) as [number]
  const closes = [await connect(port, CONNECTIONS)] // what is loaded on demand is there before it is measured
  const before = await ask(child)
  for (let at = 0; at < CONNECTIONS; at += GROUP) {
    closes.push(...(await Promise.all(Array.from({ length: GROUP }, (_, index) => connect(port, at + index)))))
  }
  const after = await ask(child)
  for (const close of closes) close()
  child.disconnect()
  const each = (what: keyof Memory): string => (Math.max(0, after[what] - before[what]) / CONNECTIONS / 1024).toFixed(1)
  return [name, each('used'), each('rss')]
}

async function ask(child: ChildProcess): Promise<Memory> {
  child.send('memory')
  const [memory] = (await once(child, 'message')) as [Memory]
  return memory
}

async function connectPlainly(port: number): Promise<Close> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  await once(socket, 'message')
  return () => socket.terminate()
}

function connectWithSocketIo(port: number): Promise<Close> {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true })
  return new Promise((resolve) => socket.once('greeting', () => resolve(() => void socket.disconnect())))
}

async function connectToRoom(port: number, at: number): Promise<Close> {
  const client = await Client.open(port, `Ann-${at}`)
  await client.ask({ type: 'room:join', roomId: `room-${at % 40}` })
  return () => client.socket.terminate()
}
