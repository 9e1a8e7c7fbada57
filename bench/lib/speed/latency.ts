/** One message at a time between two clients of an idle server: the SDK on ours, `ws` on a naive room server of `ws`. P14. */
import { connect } from '@roomful/client'
import { WebSocket } from 'ws'
import { ServerProcess } from '../server-process.ts'

const WARM_UP = 300
const MESSAGES = 2_000

/** @returns sorted times, in milliseconds */
async function roundTrips(send: (number: number) => void, onReceived: (listen: (number: number) => void) => void) {
  const times: number[] = []
  let sentAt = 0
  await new Promise<void>((resolve) => {
    let number = 0
    const next = (): void => {
      sentAt = performance.now()
      send(++number)
    }
    onReceived((received) => {
      if (received !== number) return
      if (number > WARM_UP) times.push(performance.now() - sentAt)
      if (number < WARM_UP + MESSAGES) next()
      else resolve()
    })
    next()
  })
  return times.toSorted((a, b) => a - b)
}

export interface LatencyFigures {
  readonly 'p50 ms': number
  readonly 'p99 ms': number
}

function figures(sorted: readonly number[]): LatencyFigures {
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN
  return { 'p50 ms': at(0.5), 'p99 ms': at(0.99) }
}

/** A durable message by the SDK to another client of the SDK. @param launcher pins the server to a core */
export async function measureSdkLatency(launcher: readonly string[]): Promise<LatencyFigures> {
  const server = await ServerProcess.start('server.ts', [], launcher)
  try {
    const url = server.origin.replace('http', 'ws')
    const [writer, reader] = [0, 1].map(() => connect(url, { namespace: '/bench' }))
    if (!writer || !reader) throw new Error('No clients')
    await Promise.all([writer.room('r').ready, reader.room('r').ready])
    const times = await roundTrips(
      (number) => void writer.request('pub', { roomId: 'r', data: { number } }),
      (listen) => reader.on('published', (data) => listen((data as { number: number }).number)),
    )
    writer.close()
    reader.close()
    return figures(times)
  } finally {
    await server.stop()
  }
}

/** A message by `ws` to another client of `ws`. @param launcher pins the server to a core */
export async function measureWsLatency(launcher: readonly string[]): Promise<LatencyFigures> {
  const server = await ServerProcess.start('peers/ws.ts', ['--manner', 'naive'], launcher)
  try {
    const [writer, reader] = await Promise.all(
      [0, 1].map(async () => {
        const socket = new WebSocket(`${server.origin.replace('http', 'ws')}/ws`)
        await new Promise((resolve) => socket.once('open', resolve))
        socket.send('{"t":"join","r":"r"}')
        await new Promise((resolve) => socket.once('message', resolve))
        return socket
      }),
    )
    const times = await roundTrips(
      (number) => writer?.send(JSON.stringify({ t: 'pub', r: 'r', data: { number } })),
      (listen) =>
        reader?.on('message', (data) => listen((JSON.parse(String(data)) as { data: { number: number } }).data.number)),
    )
    for (const socket of [writer, reader]) socket?.close()
    return figures(times)
  } finally {
    await server.stop()
  }
}
