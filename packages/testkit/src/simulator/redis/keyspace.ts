/**
 * What Redis holds, and the commands that the scripts use, on one clock. Every command that changes something is handed to
 * `onWrite`, as Redis writes it to its append-only file: applied again one after another they give the same keys.
 */
export type Value =
  | { readonly type: 'string'; text: string }
  | { readonly type: 'hash'; readonly fields: Map<string, string> }
  | { readonly type: 'list'; readonly items: string[] }
  | { readonly type: 'set'; readonly members: Set<string> }
  | { readonly type: 'zset'; readonly scores: Map<string, number> }

type Kind = Value['type']
type Of<Name extends Kind> = Extract<Value, { type: Name }>
type Args = readonly string[]

const EMPTY: { readonly [Name in Kind]: () => Of<Name> } = {
  string: () => ({ type: 'string', text: '' }),
  hash: () => ({ type: 'hash', fields: new Map() }),
  list: () => ({ type: 'list', items: [] }),
  set: () => ({ type: 'set', members: new Set() }),
  zset: () => ({ type: 'zset', scores: new Map() }),
}

const WRITES: ReadonlySet<string> = new Set(
  'APPEND DEL GETDEL HDEL HSET LPOP LREM LSET LTRIM PERSIST PEXPIREAT RPUSH SADD SET SPOP SREM ZADD ZREM ZREMRANGEBYSCORE'.split(
    ' ',
  ),
)

export interface KeyspaceOptions {
  /** Ms since 1970, in whole numbers. */
  readonly now: () => number
  readonly publish: (channel: string, message: string) => number
  readonly onWrite: (command: Args) => void
}

export class Keyspace {
  readonly keys = new Map<string, Value>()
  readonly expiries = new Map<string, number>()
  private readonly options: KeyspaceOptions

  constructor(options: KeyspaceOptions) {
    this.options = options
  }

  /** @throws Error for a command that is not simulated */
  run([given = '', ...args]: Args): unknown {
    const name = given.toUpperCase()
    const [key = ''] = args
    switch (name) {
      case 'PEXPIRE':
        return this.expire(args)
      case 'SPUBLISH':
        return this.options.publish(key, args[1] as string)
      case 'TIME': {
        const now = this.options.now()
        return [String(Math.floor(now / 1000)), String((now % 1000) * 1000)]
      }
      default:
    }
    const command = COMMANDS[name]
    if (!command) throw new Error(`The simulated Redis does not know the command ${name}`)
    this.dropIfDue(key)
    if (!WRITES.has(name)) return command(this, args)
    const reply = command(this, args)
    this.options.onWrite([name, ...args])
    this.dropIfEmpty(key)
    return reply
  }

  /** The value, if there is one. @throws Error when it is of another kind */
  at<Name extends Kind>(key: string, type: Name): Of<Name> | undefined {
    const value = this.keys.get(key)
    if (value && value.type !== type)
      throw new Error('WRONGTYPE Operation against a key holding the wrong kind of value')
    return value as Of<Name> | undefined
  }

  /** The value, made where there is none. */
  made<Name extends Kind>(key: string, type: Name): Of<Name> {
    const known = this.at(key, type)
    if (known) return known
    const value = EMPTY[type]()
    this.keys.set(key, value)
    return value
  }

  drop(key: string): boolean {
    this.expiries.delete(key)
    return this.keys.delete(key)
  }

  /** When a key goes, if it does. */
  ttl(key: string): number {
    const at = this.expiries.get(key)
    return at === undefined ? -1 : at - this.options.now()
  }

  /** As SET, which a key's end depends on. */
  set(args: Args): unknown {
    const [key = '', text = '', ...options] = args
    const has = (name: string): boolean => options.some((each) => each.toUpperCase() === name)
    if (has('NX') && this.keys.has(key)) return null
    if (!has('KEEPTTL')) this.expiries.delete(key)
    this.keys.set(key, { type: 'string', text })
    const at = options.findIndex((each) => each.toUpperCase() === 'PX' || each.toUpperCase() === 'PXAT')
    if (at >= 0) {
      const ms = Number(options[at + 1])
      this.expiries.set(key, options[at]?.toUpperCase() === 'PX' ? this.options.now() + ms : ms)
    }
    return 'OK'
  }

  /** A key that has had its time is not there. */
  private dropIfDue(key: string): void {
    const at = this.expiries.get(key)
    if (at !== undefined && at <= this.options.now()) this.drop(key)
  }

  private dropIfEmpty(key: string): void {
    const value = this.keys.get(key)
    if (value && sizeOf(value) === 0) this.drop(key)
  }

  private expire([key = '', ms = '0', when = '']: Args): number {
    this.dropIfDue(key)
    if (!this.keys.has(key)) return 0
    const at = this.options.now() + Number(ms)
    const known = this.expiries.get(key)
    if (when === 'NX' && known !== undefined) return 0
    if (when === 'GT' && (known === undefined || at <= known)) return 0
    this.expiries.set(key, at)
    this.options.onWrite(['PEXPIREAT', key, String(at)])
    return 1
  }

  /** Removes what has had its time, as a walk over all keys would. */
  sweep(): void {
    for (const key of [...this.expiries.keys()]) this.dropIfDue(key)
  }
}

function sizeOf(value: Value): number {
  switch (value.type) {
    case 'string':
      return 1
    case 'hash':
      return value.fields.size
    case 'list':
      return value.items.length
    case 'set':
      return value.members.size
    default:
      return value.scores.size
  }
}

/** Places in a list as Redis counts them: from the end below 0, the last one included. */
function span(size: number, from = '0', to = '-1'): [start: number, end: number] {
  const [first, last] = [Number(from), Number(to)]
  return [Math.max(0, first < 0 ? size + first : first), (last < 0 ? size + last : last) + 1]
}

function byScore(scores: ReadonlyMap<string, number>): [string, number][] {
  return [...scores].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
}

function bound(text: string): number {
  if (text === '-inf') return Number.NEGATIVE_INFINITY
  return text === '+inf' ? Number.POSITIVE_INFINITY : Number(text)
}

function between(space: Keyspace, [key = '', from = '', to = '', ...limit]: Args): string[] {
  const zset = space.at(key, 'zset')
  if (!zset) return []
  const [low, high] = [bound(from), bound(to)]
  const found = byScore(zset.scores).flatMap(([member, score]) => (score >= low && score <= high ? [member] : []))
  return limit.length === 0 ? found : found.slice(Number(limit[1]), Number(limit[1]) + Number(limit[2]))
}

function pairs(args: Args): [string, string][] {
  const list: [string, string][] = []
  for (let i = 0; i < args.length; i += 2) list.push([args[i] as string, args[i + 1] as string])
  return list
}

const COMMANDS: Readonly<Record<string, (space: Keyspace, args: Args) => unknown>> = {
  DEL: (space, keys) => keys.filter((key) => space.drop(key)).length,
  EXISTS: (space, [key = '']) => Number(space.keys.has(key)),
  GET: (space, [key = '']) => space.at(key, 'string')?.text ?? null,
  APPEND: (space, [key = '', text = '']) => {
    const known = space.made(key, 'string')
    known.text += text
    return known.text.length
  },
  GETDEL: (space, [key = '']) => {
    const text = space.at(key, 'string')?.text ?? null
    space.drop(key)
    return text
  },
  MGET: (space, keys) =>
    keys.map((key) => (space.ttl(key) === -1 || space.ttl(key) > 0 ? (space.at(key, 'string')?.text ?? null) : null)),
  SET: (space, args) => space.set(args),
  PERSIST: (space, [key = '']) => Number(space.expiries.delete(key)),
  PEXPIREAT: (space, [key = '', at = '0']) => {
    if (space.keys.has(key)) space.expiries.set(key, Number(at))
    return 1
  },
  HGET: (space, [key = '', field = '']) => space.at(key, 'hash')?.fields.get(field) ?? null,
  HMGET: (space, [key = '', ...fields]) => {
    const hash = space.at(key, 'hash')
    return fields.map((field) => hash?.fields.get(field) ?? null)
  },
  HSET: (space, [key = '', ...args]) => {
    const { fields } = space.made(key, 'hash')
    for (const [field, value] of pairs(args)) fields.set(field, value)
    return args.length / 2
  },
  HDEL: (space, [key = '', ...fields]) => fields.filter((field) => space.at(key, 'hash')?.fields.delete(field)).length,
  HGETALL: (space, [key = '']) => [...(space.at(key, 'hash')?.fields ?? [])].flat(),
  HKEYS: (space, [key = '']) => [...(space.at(key, 'hash')?.fields.keys() ?? [])],
  HVALS: (space, [key = '']) => [...(space.at(key, 'hash')?.fields.values() ?? [])],
  HLEN: (space, [key = '']) => space.at(key, 'hash')?.fields.size ?? 0,
  HSCAN: (space, [key = '']) => ['0', [...(space.at(key, 'hash')?.fields ?? [])].flat()],
  LINDEX: (space, [key = '', at = '0']) => space.at(key, 'list')?.items.at(Number(at)) ?? null,
  LLEN: (space, [key = '']) => space.at(key, 'list')?.items.length ?? 0,
  LRANGE: (space, [key = '', from, to]) => {
    const items = space.at(key, 'list')?.items ?? []
    return items.slice(...span(items.length, from, to))
  },
  LPOP: (space, [key = '']) => space.at(key, 'list')?.items.shift() ?? null,
  LREM: (space, [key = '', , value = '']) => {
    const items = space.at(key, 'list')?.items ?? []
    const at = items.indexOf(value)
    if (at >= 0) items.splice(at, 1)
    return Number(at >= 0)
  },
  LSET: (space, [key = '', at = '0', text = '']) => {
    const items = space.at(key, 'list')?.items
    if (!items || Number(at) >= items.length) throw new Error('ERR index out of range')
    items[Number(at)] = text
    return 'OK'
  },
  LTRIM: (space, [key = '', from, to]) => {
    const items = space.at(key, 'list')?.items
    if (!items) return 'OK'
    const [start, end] = span(items.length, from, to)
    items.splice(end)
    items.splice(0, start)
    return 'OK'
  },
  RPUSH: (space, [key = '', ...values]) => space.made(key, 'list').items.push(...values),
  SADD: (space, [key = '', ...members]) => {
    const set = space.made(key, 'set').members
    const before = set.size
    for (const member of members) set.add(member)
    return set.size - before
  },
  SREM: (space, [key = '', ...members]) =>
    members.filter((member) => space.at(key, 'set')?.members.delete(member)).length,
  SSCAN: (space, [key = '']) => ['0', [...(space.at(key, 'set')?.members ?? [])]],
  // Which ones is chance in Redis; here the first, so that a run can be repeated.
  SPOP: (space, [key = '', count = '1']) => {
    const members = space.at(key, 'set')?.members
    const taken = [...(members ?? [])].slice(0, Number(count))
    for (const member of taken) members?.delete(member)
    return taken
  },
  ZADD: (space, [key = '', ...args]) => {
    const { scores } = space.made(key, 'zset')
    for (const [score, member] of pairs(args)) scores.set(member, Number(score))
    return args.length / 2
  },
  ZREM: (space, [key = '', ...members]) =>
    members.filter((member) => space.at(key, 'zset')?.scores.delete(member)).length,
  ZSCORE: (space, [key = '', member = '']) => {
    const score = space.at(key, 'zset')?.scores.get(member)
    return score === undefined ? null : String(score)
  },
  ZRANGE: (space, [key = '', from, to]) => {
    const members = byScore(space.at(key, 'zset')?.scores ?? new Map()).map(([member]) => member)
    return members.slice(...span(members.length, from, to))
  },
  ZRANGEBYSCORE: between,
  ZCARD: (space, [key = '']) => space.at(key, 'zset')?.scores.size ?? 0,
  // From a member or from the first one, to the last.
  ZRANGEBYLEX: (space, [key = '', from = '-', , , offset = '0', count]) => {
    const after = from === '-' ? '' : from.slice(1)
    const members = [...(space.at(key, 'zset')?.scores.keys() ?? [])].filter((member) => member > after).sort()
    return members.slice(Number(offset), count === undefined ? undefined : Number(offset) + Number(count))
  },
  ZREMRANGEBYSCORE: (space, args) => {
    const members = between(space, args)
    for (const member of members) space.at(args[0] as string, 'zset')?.scores.delete(member)
    return members.length
  },
}
