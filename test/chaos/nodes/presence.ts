/** Who is in the room, as each node says: one bare client a node, which asks it directly and is itself not counted. */
import { setTimeout as delay } from 'node:timers/promises'
import { token } from '../../outside/lib/token.ts'
import { Returning } from '../clients/bare.ts'
import type { Message } from '../clients/subscriber.ts'
import type { ChaosCluster, ChaosNode } from './cluster.ts'

const ASK_MS = 250
const WATCHER = 'watcher-'

export interface PresenceOptions {
  readonly cluster: ChaosCluster
  readonly room: string
  readonly onRefused: (who: string, why: string) => void
}

interface Watcher {
  readonly node: ChaosNode
  readonly socket: Returning
  /** What the node answered last; nothing until it has. */
  latest: readonly string[] | undefined
}

export class PresenceWatch {
  private readonly room: string
  private readonly watchers: readonly Watcher[]
  private readonly cancel: () => void

  constructor({ cluster, room, onRefused }: PresenceOptions) {
    this.room = room
    this.watchers = cluster.nodes.map((node) => this.watch(node, onRefused))
    const timer = setInterval(() => this.ask(), ASK_MS)
    this.cancel = () => clearInterval(timer)
  }

  /** Waits until every node names these users and no others. @returns what is wrong after that time */
  async settled(expected: readonly string[], withinMs: number): Promise<readonly string[]> {
    for (const watcher of this.watchers) watcher.latest = undefined
    const deadline = performance.now() + withinMs
    for (;;) {
      const wrong = this.watchers.flatMap(({ node, latest }) => differences(node.name, latest, expected))
      if (wrong.length === 0 || performance.now() > deadline) return wrong
      await delay(ASK_MS)
    }
  }

  close(): void {
    this.cancel()
    for (const { socket } of this.watchers) socket.close()
  }

  private watch(node: ChaosNode, onRefused: PresenceOptions['onRefused']): Watcher {
    const name = WATCHER + node.name
    const watcher: Watcher = {
      node,
      latest: undefined,
      socket: new Returning({
        url: `${node.url.replace('http', 'ws')}/ws?token=${token({ sub: name })}`,
        onOpen: () => watcher.socket.send({ type: 'room:join', id: 'join', roomId: this.room }),
        onMessage: ({ type, error, data }) => {
          if (type !== 'ack' || error !== undefined) return
          const users = data.users as Message[]
          watcher.latest = users.map(({ userId }) => String(userId)).filter((userId) => !userId.startsWith(WATCHER))
        },
        onRefused: (why) => onRefused(name, why),
      }),
    }
    return watcher
  }

  private ask(): void {
    for (const { socket } of this.watchers) socket.send({ type: 'presence:get', id: 'ask', roomId: this.room })
  }
}

function differences(node: string, found: readonly string[] | undefined, expected: readonly string[]): string[] {
  if (found === undefined) return [`${node} does not say who is in the room`]
  const missing = expected.filter((each) => !found.includes(each)).map((each) => `${node} does not name ${each}`)
  return [...missing, ...found.filter((each) => !expected.includes(each)).map((each) => `${node} names ${each}`)]
}
