/**
 * `@roomful/server/redis`: the connection to Redis that the server itself uses, for packages that store something of their
 * own beside its log. Nothing is loaded before a connection is made.
 */
import './require-node.ts'
import { DEFAULT_PREFIX } from './adapters/brokers/redis/names.ts'
import { Peers, type PeersOptions } from './adapters/brokers/redis/peers.ts'
import { systemClock, systemRandom } from './adapters/system/clock-and-random.ts'
import { ClusterNode } from './adapters/transports/forwarding/cluster-node.ts'
import type { NodeIds } from './adapters/transports/forwarding/node-ids.ts'
import { addressReader } from './adapters/transports/request-info.ts'

export { ELSEWHERE } from './adapters/brokers/redis/calls.ts'
export { openRedis, type Redis } from './adapters/brokers/redis/client.ts'
export { Connection, ConnectionLostError, RefusedError } from './adapters/brokers/redis/connection.ts'
export { createLibrary, type Library } from './adapters/brokers/redis/library.ts'
export { tagOf } from './adapters/brokers/redis/names.ts'
export type { Peers } from './adapters/brokers/redis/peers.ts'
export type { ClusterNode } from './adapters/transports/forwarding/cluster-node.ts'
export { reachableUrl } from './node-server.ts'
export { DEFAULT_PREFIX }

/** Servers that share a Redis, and requests that belong to another one of them. */
export interface Cluster {
  readonly peers: Peers
  readonly node: ClusterNode
}

/** @param ids of what this server gives out */
export function openCluster(options: Omit<PeersOptions, 'clock' | 'node'>, ids: NodeIds): Cluster {
  const clock = systemClock
  const peers = new Peers({ ...options, clock, node: ids.tag })
  const node = new ClusterNode({
    registry: peers,
    secret: peers.secret,
    clientAddress: addressReader('off'),
    basePath: '',
    clock,
    random: systemRandom,
    observer: { observe: (fact) => fact.type === 'notice' && options.report(fact.message) },
    ids,
  })
  return { peers, node }
}
