/**
 * `@roomful/server/redis`: the connection to Redis that the server itself uses, for packages that store something of their
 * own beside its log. Nothing is loaded before a connection is made.
 */
import './require-node.ts'

export { ELSEWHERE } from './adapters/brokers/redis/calls.ts'
export { openRedis, type Redis } from './adapters/brokers/redis/client.ts'
export { Connection, ConnectionLostError, RefusedError } from './adapters/brokers/redis/connection.ts'
export { createLibrary, type Library } from './adapters/brokers/redis/library.ts'
export { DEFAULT_PREFIX, tagOf } from './adapters/brokers/redis/names.ts'
