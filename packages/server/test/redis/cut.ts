/** What stands between a node and Redis, so that a test can cut that node off alone. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Cut {
  readonly url: string
  /** No connection stays, and none comes. */
  cut(): void
  mend(): void
}

export async function cutBefore(port: number): Promise<Cut> {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((socket) => {
    if (isCut) return void socket.destroy()
    const target = connect(port, '127.0.0.1')
    for (const [each, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      sockets.add(each)
      each.on('error', () => undefined)
      each.on('close', () => {
        sockets.delete(each)
        other.destroy()
      })
    }
    socket.pipe(target).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    isCut = true
    for (const socket of [...sockets]) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    mend: () => {
      isCut = false
    },
  }
}
