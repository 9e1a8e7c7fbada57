/**
 * What a server under measurement says of itself: `/cpu`, `/bytes`, `/objects`, and `/gc`, which collects first. See
 * server-process.ts.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { queryObjects, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * @param countsBytes for `/bytes`: it adds listeners to each socket, so figures of memory would include them
 * @returns answers a request that is about the server itself; false when it is about something else
 */
export function reportOn(
  server: Server,
  countsBytes = false,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const bytes = countsBytes ? countBytes(server) : undefined
  return ({ url }, response) => {
    if (url === '/gc') {
      collect()
      collect()
      response.end(JSON.stringify(process.memoryUsage()))
    } else if (url === '/cpu') {
      const { user, system } = process.cpuUsage()
      const main = process.threadCpuUsage()
      const cpu = { cpuUs: user + system, mainUs: main.user + main.system }
      response.end(JSON.stringify({ ...cpu, rssBytes: process.memoryUsage.rss() }))
    } else if (url === '/objects') response.end(JSON.stringify(countObjects()))
    else if (url === '/bytes' && bytes) response.end(JSON.stringify(bytes()))
    else return false
    return true
  }
}

/** Objects that are in use, by kind. */
export interface ObjectCounts {
  readonly maps: number
  readonly sets: number
  readonly arrays: number
  readonly functions: number
  /** Of any kind. */
  readonly all: number
}

function countObjects(): ObjectCounts {
  const count = (kind: new () => object): number => queryObjects(kind, { format: 'count' })
  return {
    maps: count(Map),
    sets: count(Set),
    arrays: count(Array),
    functions: count(Function as unknown as new () => object),
    all: count(Object),
  }
}

/** @returns what all connections have read and written so far */
function countBytes(server: Server): () => number {
  const open = new Set<Socket>()
  let ended = 0
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      ended += bytesOf(socket)
    })
  })
  return () => [...open].reduce((sum, socket) => sum + bytesOf(socket), ended)
}

function bytesOf({ bytesRead, bytesWritten }: Socket): number {
  return bytesRead + bytesWritten
}
