/** Who is where, over all nodes: what this one states of its users goes in one call per turn, and comes back in order. */
import type {
  OnlineChange,
  OwnedPresence,
  RoomsPage,
  SeatChange,
  SeatResult,
  SharedPresence,
  UserPage,
} from '../../../core/ports/broker.ts'
import type { Clock } from '../../../core/ports/system.ts'
import type { User } from '../../../core/ports/users.ts'
import { inPages, type RedisNamespace } from './namespace.ts'

/** About as many users of a page; Redis may give a few more. */
const PAGE = '1000'

interface Waiting {
  readonly change: SeatChange
  readonly resolve: (result: SeatResult) => void
  readonly reject: (error: unknown) => void
}

/** By what Redis answers. */
const RESULTS: readonly SeatResult[] = [
  { ok: false, code: 'ROOM_FULL' },
  { ok: true, isElsewhere: false },
  { ok: true, isElsewhere: true },
]

/** Another connection of someone who is online already is counted at most this often. */
const COUNT_MS = 1_000

export class Presence {
  private readonly namespace: RedisNamespace
  private readonly clock: Clock
  private waiting: Waiting[] = []
  private online:
    | { readonly changes: OnlineChange[]; connections: number; readonly answer: PromiseWithResolvers<void> }
    | undefined
  private cancelCount: (() => void) | undefined

  constructor(namespace: RedisNamespace, clock: Clock) {
    this.namespace = namespace
    this.clock = clock
  }

  setOnline(connections: number, changes: readonly OnlineChange[]): Promise<void> {
    this.online ??= { changes: [], connections, answer: Promise.withResolvers() }
    const { online } = this
    online.connections = connections
    if (changes.length > 0 && online.changes.length === 0) this.clock.turnEnd(() => this.sendOnline())
    else if (online.changes.length === 0) this.cancelCount ??= this.clock.after(COUNT_MS, () => this.sendOnline())
    online.changes.push(...changes)
    return online.answer.promise
  }

  seats(changes: readonly SeatChange[]): Promise<SeatResult[]> {
    return Promise.all(changes.map((change) => this.seat(change)))
  }

  /** What this node answers for, as far as Redis knows. */
  async owned(): Promise<OwnedPresence> {
    const [seats, users] = await Promise.all([this.ownedIn('o'), this.ownedIn('uo')])
    return {
      seats: seats.map((member) => {
        const at = member.lastIndexOf('\n')
        return { roomId: member.slice(0, at), userId: member.slice(at + 1) }
      }),
      users,
    }
  }

  async roomUsers(roomId: string, cursor = '0'): Promise<UserPage> {
    const [pv, next, count, ...users] = await this.namespace.ask('roomUsers', [roomId, cursor, PAGE])
    return {
      pv: Number(pv),
      count: Number(count),
      next: String(next) === '0' ? undefined : String(next),
      users: pairs(users).map(([user, isAway]) => ({ user: JSON.parse(user) as User, isAway: isAway === '1' })),
    }
  }

  async whoIsOnline(userIds: readonly string[]): Promise<ReadonlySet<string>> {
    const pages = inPages(userIds).map(async (page) => {
      const flags = await this.namespace.ask('whoIsOnline', page)
      return page.filter((_, i) => Number(flags[i]) === 1)
    })
    return new Set((await Promise.all(pages)).flat())
  }

  async counts(roomIds: readonly string[]): Promise<number[]> {
    this.flush() // who has just left here is not counted
    const pages = inPages(roomIds).map((page) => this.namespace.ask('countUsers', page))
    return (await Promise.all(pages)).flat().map(Number)
  }

  async rooms({ after, limit }: { readonly after: string; readonly limit: number }): Promise<RoomsPage> {
    const [total, ...found] = await this.namespace.ask('listRooms', [after, String(limit + 1)])
    const rooms = pairs(found).map(([roomId, count]) => ({ roomId, count: Number(count) }))
    return { rooms: rooms.slice(0, limit), more: rooms.length > limit, total: Number(total) }
  }

  private async ownedIn(which: 'o' | 'uo'): Promise<string[]> {
    const all = new Set<string>()
    let cursor = '0'
    do {
      const reply = await this.namespace.ask('owned', [this.namespace.node, which, cursor, PAGE])
      cursor = String(reply[0])
      for (const member of reply.slice(1)) all.add(String(member))
    } while (cursor !== '0')
    return [...all]
  }

  /** What waits is sent. */
  flush(): void {
    const { waiting } = this
    this.waiting = []
    for (const page of inPages(waiting)) this.send(page)
    this.sendOnline()
  }

  private sendOnline(): void {
    const { online, namespace } = this
    if (!online) return
    this.online = undefined
    this.cancelCount?.()
    this.cancelCount = undefined
    const pages = online.changes.length === 0 ? [[]] : inPages(online.changes)
    const calls = pages.map((page) => {
      const args = [String(online.connections), ...page.map((change) => JSON.stringify(change))]
      return namespace.change('online', args, (reply) => namespace.onOnline(JSON.parse(String(reply[2]).slice(1))))
    })
    Promise.all(calls).then(() => online.answer.resolve(), online.answer.reject)
  }

  private seat(change: SeatChange): Promise<SeatResult> {
    return new Promise((resolve, reject) => {
      if (this.waiting.push({ change, resolve, reject }) === 1) this.clock.turnEnd(() => this.flush())
    })
  }

  private send(page: readonly Waiting[]): void {
    const args = page.flatMap(({ change }) => argumentsOf(change))
    const answered = this.namespace.change('seats', [this.namespace.now, ...args], (reply) => {
      for (const text of String(reply.at(-1)).split('\n')) {
        if (text !== '') this.namespace.onPresence(JSON.parse(text.slice(1)))
      }
    })
    answered.then(
      (reply) => {
        for (const [i, { resolve }] of page.entries()) resolve(RESULTS[Number(reply[2 + i])] as SeatResult)
      },
      (error: unknown) => {
        for (const { reject } of page) reject(error)
      },
    )
  }
}

/** @param of the presence of a namespace; throws when the broker is closing */
export function sharedPresence(of: (namespace: string) => Presence): SharedPresence {
  return {
    seats: async (namespace, changes) => of(namespace).seats(changes),
    online: async (namespace, connections, changes) => of(namespace).setOnline(connections, changes),
    owned: async (namespace) => of(namespace).owned(),
    roomUsers: async (namespace, roomId, cursor) => of(namespace).roomUsers(roomId, cursor),
    whoIsOnline: async (namespace, userIds) => of(namespace).whoIsOnline(userIds),
    counts: async (namespace, roomIds) => of(namespace).counts(roomIds),
    rooms: async (namespace, page) => of(namespace).rooms(page),
  }
}

function argumentsOf({ roomId, user, state, forMs = 0, capacity, reason = '' }: SeatChange): string[] {
  const limit = capacity === undefined ? '' : String(capacity)
  return [roomId, user.sub, JSON.stringify(user), state, String(Math.round(forMs)), limit, reason]
}

function pairs(values: readonly unknown[]): [string, string][] {
  const list: [string, string][] = []
  for (let at = 0; at < values.length; at += 2) list.push([String(values[at]), String(values[at + 1])])
  return list
}
