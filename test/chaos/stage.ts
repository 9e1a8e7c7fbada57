/** Where a run takes place: one server behind a proxy that breaks, or several nodes behind nginx; and what can be done to it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '@roomful/testkit'
import { Server } from '../outside/lib/server.ts'
import { FaultProxy } from './fault-proxy.ts'
import { commit, type Fault, type Scene } from './faults.ts'
import { ChaosCluster } from './nodes/cluster.ts'
import { commitNodeFault, type NodeFault } from './nodes/faults.ts'

export interface StageOptions {
  /** One server without it. */
  readonly nodes?: number | undefined
  /** What is run: a file, and what follows it. */
  readonly program: readonly [entry: string, ...args: string[]]
  readonly env: Readonly<Record<string, string>>
  /** What nodes write, a line each. */
  readonly onOutput: (line: string) => void
}

export interface FaultOptions {
  readonly random: SeededRandom
  readonly room: string
  note(text: string): void
  /** The log of the room ends there, and what was answered after that is gone. */
  onLoss(head: number): void
}

export interface Stage {
  /** Where clients connect. */
  readonly url: string
  /** Each server itself. */
  readonly servers: readonly string[]
  /** Resolves when it is over. */
  commit(fault: string, options: FaultOptions): Promise<void>
  close(): Promise<void>
}

export async function openStage(options: StageOptions): Promise<Stage> {
  return options.nodes === undefined ? openServer(options) : openCluster(options, options.nodes)
}

async function openServer({ program, env }: StageOptions): Promise<Stage> {
  const [entry, ...args] = program
  const start = { entry, args, env: { LOG_LEVEL: 'error', ROOMFUL_DRAIN_MS: '500', ...env } }
  const server = await Server.start(start)
  const proxy = await FaultProxy.open(server.port)
  const scene: Scene = { server, proxy, start }
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    servers: [server.http],
    commit: (fault) => commit(fault as Fault, scene),
    close: async () => {
      await proxy.close()
      await scene.server.dispose()
    },
  }
}

async function openCluster({ program, env, onOutput }: StageOptions, nodes: number): Promise<Stage> {
  const cluster = await ChaosCluster.start(nodes, onOutput, { args: ['--conditions=source', ...program], env })
  return {
    url: cluster.url,
    servers: cluster.nodes.map(({ url }) => url),
    commit: async (fault, { random, room, note, onLoss }) => {
      const victim = random.pick(cluster.nodes)
      note(`${fault}, at ${victim.name}`)
      await commitNodeFault(fault as NodeFault, { cluster, random, victim, room, note, onLoss })
      // The last clients of a fault come back by what they wait between two attempts.
      await delay(random.integer(300))
    },
    close: () => cluster.stop(),
  }
}
