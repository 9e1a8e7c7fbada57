/** How the server is, in numbers: read when somebody asks, kept nowhere. */
import { PROTOCOL_VERSION } from '@roomful/protocol'
import type { ServerStatus } from '../adapters/http/status-schema.ts'
import type { Hub } from '../core/hub.ts'
import { version } from '../version.ts'

/** @returns what reads the status of a hub */
export function createStatus(hub: Hub): () => ServerStatus {
  const roomful = version()
  return () => {
    const namespaces = hub.allNamespaces().map((namespace) => ({
      name: namespace.name,
      connections: namespace.state.connections.size,
      users: namespace.state.users.size,
      rooms: namespace.listRooms().length,
      n: namespace.state.headN,
    }))
    const { rss: rssBytes, heapUsed: heapUsedBytes } = process.memoryUsage()
    return {
      state: hub.state,
      versions: { roomful, protocol: PROTOCOL_VERSION, node: process.versions.node },
      now: hub.runtime.clock.now(),
      uptimeMs: Math.round(process.uptime() * 1_000),
      links: hub.links.open.size,
      connections: total(namespaces, 'connections'),
      rooms: total(namespaces, 'rooms'),
      namespaces,
      queues: queuesOf(hub),
      memory: { rssBytes, heapUsedBytes },
      storage: { healthy: hub.runtime.broker.healthy() },
    }
  }
}

function total<Field extends string>(list: readonly Record<Field, number>[], field: Field): number {
  return list.reduce((sum, each) => sum + each[field], 0)
}

function queuesOf(hub: Hub): ServerStatus['queues'] {
  let slowLinks = 0
  let behind = 0
  let outboxBytes = 0
  for (const link of hub.links.open) {
    if (link.slow) slowLinks++
    outboxBytes += link.queuedBytes
    for (const connection of link.connections) if (connection.behind) behind++
  }
  return {
    slowLinks,
    behind,
    outboxBytes,
    storing: hub.allNamespaces().some(({ requests }) => !requests.commit.isIdle),
  }
}
