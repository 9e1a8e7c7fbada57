/** What is done to the server and the network, one at a time. R1, one node. */
import { setTimeout as delay } from 'node:timers/promises'
import { Server, type ServerOptions } from '../outside/lib/server.ts'
import type { FaultProxy } from './fault-proxy.ts'

export const FAULTS = ['kill', 'term', 'reset', 'blackhole', 'slow'] as const
export type Fault = (typeof FAULTS)[number]

export interface Scene {
  server: Server
  readonly proxy: FaultProxy
  /** How it was started. */
  readonly start: ServerOptions
}

const BLACKHOLE_MS = 4_000
const SLOW_MS = 4_000
/** Far less than what is said, so that everyone falls behind. */
const SLOW_BYTES_PER_SECOND = 2_000

/** Resolves when the fault is over. */
export async function commit(fault: Fault, scene: Scene): Promise<void> {
  switch (fault) {
    case 'kill':
    case 'term':
      return restart(scene, fault === 'kill' ? 'SIGKILL' : 'SIGTERM')
    case 'reset':
      return scene.proxy.reset()
    case 'blackhole':
      scene.proxy.darken()
      await delay(BLACKHOLE_MS)
      return scene.proxy.lighten()
    case 'slow':
      scene.proxy.slow(SLOW_BYTES_PER_SECOND)
      await delay(SLOW_MS)
      return scene.proxy.slow(undefined)
    default:
      return fault satisfies never
  }
}

async function restart(scene: Scene, signal: NodeJS.Signals): Promise<void> {
  const { data, port } = scene.server
  scene.server.signal(signal)
  await scene.server.exited
  scene.server = await Server.start({ ...scene.start, data, port })
}
