/** What is done to the server and the network, one at a time. R1, one node. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Receiver } from '../../packages/server/test/webhooks/open-receiver.ts'
import { Server, type ServerOptions } from '../outside/lib/server.ts'
import type { FaultProxy } from './fault-proxy.ts'
import { readLog } from './log.ts'
import { backUp, killInBackup, killInRestore, killInWebhookBatch } from './operations.ts'

export const FAULTS = ['kill', 'term', 'reset', 'blackhole', 'slow'] as const
/** `kill -9` in the middle of what is done to a server: see operations.ts. They need a scene with a receiver of webhooks. */
export const OPERATIONS = ['webhooks', 'backup', 'restore'] as const
export type Fault = (typeof FAULTS)[number] | (typeof OPERATIONS)[number]

export interface Scene {
  server: Server
  readonly proxy: FaultProxy
  /** How it was started. */
  readonly start: ServerOptions
  /** Of the room's log, for what is restored. */
  readonly room?: string
  readonly receiver?: Receiver
  note?(text: string): void
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
    case 'webhooks':
      if (!scene.receiver) throw new Error('Webhooks need a receiver')
      return killInWebhookBatch(scene.receiver, () => restart(scene, 'SIGKILL'))
    case 'backup':
    case 'restore':
      return inFolder((folder) => operate(fault, scene, folder))
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

/** What is restored begins like the log, and has everything that was stored before the backup began. */
async function operate(fault: 'backup' | 'restore', scene: Scene, folder: string): Promise<void> {
  const { room = 'chaos', note } = scene
  const { data } = scene.server
  const before = await readLog(scene.server.http, room)
  const to = join(folder, 'backup')
  if (fault === 'backup') await killInBackup(data, to, () => restart(scene, 'SIGKILL'))
  else await backUp(data, to)
  const restored = join(folder, 'restored')
  const wasInTheMiddle = await killInRestore(to, restored)
  if (!wasInTheMiddle) note?.('the restore was quicker than its kill')
  const { env } = scene.start
  const plain = Object.fromEntries(Object.entries(env ?? {}).filter(([name]) => !name.startsWith('ROOMFUL_WEBHOOK')))
  const server = await Server.start({ ...scene.start, env: plain, data: restored })
  try {
    const log = await readLog(server.http, room)
    const live = await readLog(scene.server.http, room)
    note?.(`the backup has ${log.length} events; there were ${before.length} before it, and are ${live.length}`)
    if (log.length < before.length) throw new Error(`A ${fault} has ${log.length} events of ${before.length}`)
    const wrong = log.findIndex((event, index) => !isDeepStrictEqual(event, live[index]))
    if (wrong >= 0) throw new Error(`A ${fault} has ${JSON.stringify(log[wrong])} for ${JSON.stringify(live[wrong])}`)
  } finally {
    await server.dispose()
  }
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-chaos-'))
  try {
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
