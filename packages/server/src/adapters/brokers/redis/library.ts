/**
 * Scripts in Redis, as a library of functions whose name is a hash of its source: two versions of Roomful live side
 * by side. Where FUNCTION is forbidden, the same source runs by EVALSHA.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const FOLDER = new URL('../../../../static/redis/', import.meta.url)
const PARTS = ['base', 'append', 'rooms', 'seats', 'online', 'guests', 'nodes', 'leads', 'requests']

export type FunctionName =
  | 'append'
  | 'open'
  | 'close'
  | 'heads'
  | 'growing'
  | 'state'
  | 'readPositions'
  | 'range'
  | 'positions'
  | 'redact'
  | 'renewEpoch'
  | 'tend'
  | 'roomNames'
  | 'seats'
  | 'online'
  | 'owned'
  | 'expireSeats'
  | 'roomUsers'
  | 'takeName'
  | 'releaseNames'
  | 'keepPoller'
  | 'takePoller'
  | 'dropPoller'
  | 'whoIsOnline'
  | 'listRooms'
  | 'countUsers'
  | 'register'
  | 'renew'
  | 'reap'
  | 'countNodes'
  | 'touch'
  | 'trimOldest'
  | 'raiseFence'
  | 'claim'
  | 'take'
  | 'endClaims'
  | 'saveAck'
  | 'mark'
  | 'setMark'
  | 'saveSessions'
  | 'findSession'
  | 'takeSession'

const READING = [
  'heads',
  'growing',
  'state',
  'readPositions',
  'range',
  'positions',
  'roomNames',
  'roomUsers',
  'owned',
  'whoIsOnline',
  'listRooms',
  'countUsers',
  'findSession',
  'mark',
  'countNodes',
]
/** These give memory back, or keep what is there in order: members, sessions. So they run when Redis is full. */
const WITHOUT_MEMORY = [
  'open',
  'close',
  'redact',
  'saveSessions',
  'takeSession',
  'setMark',
  'seats',
  'online',
  'renewEpoch',
  'tend',
  'expireSeats',
  'renew',
  'reap',
  'endClaims',
  'takeName',
  'releaseNames',
  'keepPoller',
  'takePoller',
  'dropPoller',
  'register',
  'touch',
  'trimOldest',
]

/** Changes without a serial: they say last which connection of the node they are of, as late ones must do nothing. */
export const OF_A_CONNECTION: ReadonlySet<FunctionName> = new Set([
  ...(['open', 'close', 'claim', 'endClaims', 'saveSessions', 'takeName', 'releaseNames'] as const),
])

export interface Library {
  readonly name: string
  /** For FUNCTION LOAD. */
  readonly source: string
  /** For SCRIPT LOAD: the first argument is the function's name. */
  readonly script: string
  readonly scriptWithoutMemory: string
  readonly needsNoMemory: (name: string) => boolean
}

export interface LibrarySource {
  /** The name begins with it. */
  readonly name: string
  /** Lua that puts its functions into a table `F`: `F.read = function(keys, argv)`. */
  readonly body: string
  /** Functions that change nothing. */
  readonly reading: readonly string[]
  /** Functions that also run when Redis is full. */
  readonly withoutMemory: readonly string[]
}

let loaded: Library | undefined

export function library(): Library {
  loaded ??= read()
  return loaded
}

function read(): Library {
  const body = PARTS.map((part) => readFileSync(new URL(`${part}.lua`, FOLDER), 'utf8')).join('\n')
  return createLibrary({ name: 'roomful', body, reading: READING, withoutMemory: WITHOUT_MEMORY })
}

export function createLibrary({ name: prefix, body, reading, withoutMemory }: LibrarySource): Library {
  const name = `${prefix}_${createHash('sha256')
    .update(body + withoutMemory.join() + reading.join())
    .digest('hex')
    .slice(0, 12)}`
  // One by one: while a library is loaded, Redis has no `pairs`.
  const register = [...body.matchAll(/^F\.(\w+) = function/gm)].map(([, each = '']) => {
    const flags = reading.includes(each) ? `{ 'no-writes' }` : withoutMemory.includes(each) ? `{ 'allow-oom' }` : '{}'
    return `redis.register_function{ function_name = '${name}_${each}', callback = F.${each}, flags = ${flags} }`
  })
  const dispatch = `\nlocal name = table.remove(ARGV, 1)\nreturn F[name](KEYS, ARGV)`
  return {
    name,
    source: `#!lua name=${name}\n${body}\n${register.join('\n')}`,
    script: `#!lua\n${body}${dispatch}`,
    scriptWithoutMemory: `#!lua flags=allow-oom\n${body}${dispatch}`,
    needsNoMemory: (each) => withoutMemory.includes(each) || reading.includes(each),
  }
}
