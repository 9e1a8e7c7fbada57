/** When a client tries again: the waits of `ReconnectingWebSocket`, without and with jitter. */
import { ReconnectingWebSocket } from '@roomful/client'
import type { Demo } from '../demo.ts'

const TRIES = 7

export const backoff: Demo = async (print) => {
  print(`without jitter: ${(await waits(0)).join(', ')} s`)
  const spread: number[][] = []
  for (let client = 0; client < 200; client++) spread.push(await waits(1))
  const ranges = Array.from({ length: TRIES }, (_, at) => spread.map((one) => one[at] ?? 0))
  const range = (all: number[]): string => `${Math.min(...all).toFixed(1)}–${Math.max(...all).toFixed(1)}`
  print(`with jitter 1, of 200 clients: ${ranges.map(range).join(', ')} s`)
}

/** In seconds; no time passes, and no server answers. */
async function waits(jitter: number): Promise<number[]> {
  const planned: number[] = []
  const { setTimeout: realTimeout, WebSocket: realWebSocket } = globalThis
  globalThis.WebSocket = Unreachable as never
  globalThis.setTimeout = ((run: () => void, ms: number) => {
    planned.push(ms / 1_000)
    queueMicrotask(run)
    return 0
  }) as never
  try {
    new ReconnectingWebSocket('ws://localhost', { maxRetries: TRIES, jitter })
    while (planned.length < TRIES) await Promise.resolve()
  } finally {
    Object.assign(globalThis, { setTimeout: realTimeout, WebSocket: realWebSocket })
  }
  return planned
}

class Unreachable {
  onclose: ((event: unknown) => void) | undefined
  constructor() {
    queueMicrotask(() => this.onclose?.({ code: 1006, reason: '', wasClean: false }))
  }
  close(): void {}
}
