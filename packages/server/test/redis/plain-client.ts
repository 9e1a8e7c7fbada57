/** A plain WebSocket client that keeps every frame and waits for those that a test asks for. */
import { onTestFinished } from 'vitest'

export interface Frame {
  readonly type: string
  readonly [field: string]: unknown
}

/** @param url of a server, with `http` @param path with the query */
export async function openPlain(url: string, path: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`)
  const frames: Frame[] = []
  const waiting = new Set<() => void>()
  socket.onmessage = ({ data }) => {
    frames.push(JSON.parse(String(data)) as Frame)
    for (const look of [...waiting]) look()
  }
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code)
  })
  onTestFinished(() => socket.close())
  const next = (isIt: (frame: Frame) => boolean) =>
    new Promise<Frame>((resolve) => {
      const look = () => {
        const found = frames.find(isIt)
        if (!found) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  let ids = 0
  const ask = async (type: string, data: object = {}) => {
    const id = ++ids
    socket.send(JSON.stringify({ type, ...data, id }))
    return next((frame) => frame.type === 'ack' && frame.ack === id)
  }
  const authenticated = await next(({ type }) => type === 'auth_ok')
  return { socket, frames, next, ask, closed, authenticated }
}
