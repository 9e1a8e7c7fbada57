/** What is done to nodes, to Redis and to the links between them, one fault at a time, with chances that a seed repeats. R1. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '@roomful/testkit'
import type { ChaosCluster, ChaosNode } from './cluster.ts'

export const NODE_FAULTS = [
  'kill',
  'rolling',
  'suspend',
  'redis-kill',
  'promote',
  'promote-behind',
  'cut',
  'blackhole',
  'client-kill',
  'maxmemory',
  'sleep',
  'disk',
] as const
export type NodeFault = (typeof NODE_FAULTS)[number]

export interface NodeScene {
  readonly cluster: ChaosCluster
  readonly random: SeededRandom
  /** The node that it happens to, where it happens to one. */
  readonly victim: ChaosNode
  readonly room: string
  /** The log ends there, and what was answered after that is gone. */
  onLoss(head: number): void
  note(text: string): void
}

/** Longer than a lease. */
const SUSPEND_MS = 12_000
const SLEEP_S = 5
const MEMORY_MS = 3_000
/** What is answered is with its client. */
const ARRIVE_MS = 500
const DISK_MB = '200'

/** Those in which users are never seen to leave, since all come back before anyone could say so. */
export const WITHOUT_FLICKER: readonly NodeFault[] = [
  'kill',
  'rolling',
  'redis-kill',
  'client-kill',
  'maxmemory',
  'disk',
]

/** Resolves when the fault is over. */
export async function commitNodeFault(fault: NodeFault, scene: NodeScene): Promise<void> {
  const { cluster, random, victim, note } = scene
  const between = (least: number, most: number): number => least + random.integer(most - least)
  switch (fault) {
    case 'kill':
      note(`kill -9 of ${victim.name}`)
      await victim.end('SIGKILL')
      await delay(between(0, 3_000))
      return victim.start()
    case 'rolling':
      for (const node of cluster.nodes) {
        note(`SIGTERM to ${node.name}`)
        await node.end('SIGTERM')
        await node.start()
      }
      return
    case 'suspend':
      note(`SIGSTOP of ${victim.name}`)
      victim.signal('SIGSTOP')
      await delay(SUSPEND_MS)
      return victim.signal('SIGCONT')
    case 'redis-kill':
      await cluster.killRedis()
      await delay(between(0, 3_000))
      return cluster.startRedis()
    case 'promote':
      return promote(scene, 0)
    case 'promote-behind':
      return promote(scene, between(50, 1_500))
    case 'cut': {
      const ms = between(50, 12_000)
      note(`${victim.name} is cut off from Redis for ${ms} ms`)
      victim.proxy.cut()
      await delay(ms)
      return victim.proxy.mend()
    }
    case 'blackhole': {
      const ms = between(500, 12_000)
      note(`nothing passes between ${victim.name} and Redis for ${ms} ms`)
      victim.proxy.darken()
      await delay(ms)
      return victim.proxy.lighten()
    }
    case 'client-kill':
      for (let i = between(1, 5); i > 0; i--) {
        await cluster.command('CLIENT', 'KILL', 'TYPE', random.pick(['normal', 'pubsub']))
        await delay(between(0, 500))
      }
      return
    case 'maxmemory':
      await cluster.command('CONFIG', 'SET', 'maxmemory', '1mb')
      await delay(MEMORY_MS)
      return void (await cluster.command('CONFIG', 'SET', 'maxmemory', '0'))
    case 'sleep':
      return void (await cluster.command('DEBUG', 'SLEEP', String(SLEEP_S)))
    case 'disk': {
      const end = keepDiskBusy(cluster.folder)
      await delay(between(500, 2_500))
      await cluster.killRedis()
      await end()
      return cluster.startRedis()
    }
    default:
      return fault satisfies never
  }
}

/** @param behindMs how long the replica has got nothing when it becomes the primary */
async function promote({ cluster, room, onLoss, note }: NodeScene, behindMs: number): Promise<void> {
  const { proxy, replica } = await cluster.addReplica()
  if (behindMs > 0) proxy.darken()
  await delay(behindMs)
  for (const node of cluster.nodes) node.proxy.cut()
  await delay(ARRIVE_MS)
  const head = await cluster.headOf(room, replica)
  note(`a replica that ends at #${head} becomes the primary; the log ended at #${await cluster.headOf(room)}`)
  await proxy.close()
  onLoss(head)
  await cluster.promote(replica)
}

/** Writes and syncs beside Redis, eight files at most. @returns what ends it */
function keepDiskBusy(folder: string): () => Promise<void> {
  const loop = 'for i in 1 2 3 4 5 6 7 8; do dd if=/dev/zero of="$1" bs=1M count="$2" conv=fsync; done; rm "$1"'
  const writer = spawn('sh', ['-c', loop, '--', join(folder, 'busy'), DISK_MB], { stdio: 'ignore', detached: true })
  const exited = once(writer, 'exit')
  return async () => {
    if (writer.exitCode === null && writer.pid !== undefined) process.kill(-writer.pid, 'SIGKILL')
    await exited
  }
}
