/** What stands between a node and Redis, so that a test can cut that node off alone. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Cut {
  readonly url: string
  /** No connection stays, and none comes. */
  cut(): void
  mend(): void
  /** What Redis sends does not arrive for now. */
  hold(): void
  release(): void
  /** What is sent on the connections that are there now comes late. */
  delay(): void
  /** Now it comes. @returns once Redis has executed it */
  arrive(): Promise<void>
}

export async function cutBefore(port: number): Promise<Cut> {
  const sockets = new Set<Socket>()
  const targets = new Set<Socket>()
  let isCut = false
  let isHeld = false
  const late = new Map<Socket, Buffer[]>()
  const server = createServer((socket) => {
    if (isCut) return void socket.destroy()
    const target = connect(port, '127.0.0.1')
    targets.add(target)
    for (const [each, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      sockets.add(each)
      each.on('error', () => undefined)
      each.on('close', () => {
        sockets.delete(each)
        targets.delete(each)
        if (!late.has(other)) other.destroy()
      })
    }
    socket.on('data', (data: Buffer) => {
      const held = late.get(target)
      if (held) held.push(data)
      else target.write(data)
    })
    target.on('data', (data: Buffer) => socket.write(data))
    if (isHeld) target.pause()
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
    hold: () => {
      isHeld = true
      for (const target of targets) target.pause()
    },
    release: () => {
      isHeld = false
      for (const target of targets) target.resume()
    },
    delay: () => {
      for (const target of targets) late.set(target, [])
    },
    arrive: async () => {
      const ends = Array.from(late, async ([target, data]) => {
        const isOver = once(target, 'close')
        target.end(Buffer.concat(data))
        await isOver
      })
      await Promise.all(ends)
      late.clear()
    },
  }
}
