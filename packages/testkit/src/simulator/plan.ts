/**
 * What happens in one run, as data: made from a seed, shown in a story, and cut down to what a failure needs. Each run leaves
 * out some kinds of steps, since frequent ones would hide rare ones.
 */
import type { CoreSettings } from '@roomful/server/testing'
import { SeededRandom } from '../random.ts'
import type { Flow } from './actors/actor.ts'

export interface ClientPlan {
  readonly kind: 'sdk' | 'bare'
  readonly name: string
  readonly user: string
  /** How much it asks for of its rooms; everything without it. */
  readonly flow?: Flow | undefined
}

type Act =
  | { readonly do: 'say'; readonly who: number; readonly room: number; readonly times: number }
  | { readonly do: 'say privately'; readonly who: number; readonly to: number }
  | { readonly do: 'revise' | 'take back' | 'chatter' | 'join' | 'leave'; readonly who: number; readonly room: number }
  /** One of the application's own; `pick` chooses among what it may be about. */
  | { readonly do: 'deed'; readonly what: string; readonly who: number; readonly room: number; readonly pick: number }
  | { readonly do: 'cut' | 'outage' | 'heal' | 'stall' | 'drain'; readonly who: number }
  | { readonly do: 'black hole'; readonly who: number; readonly notices?: 'client' | 'server' | undefined }
  | { readonly do: 'go away' | 'come back' | 'change role'; readonly who: number }
  /** The process is killed; `isSilent`, its machine with it. */
  | { readonly do: 'kill'; readonly node?: number; readonly downMs: number; readonly isSilent: boolean }
  | { readonly do: 'deploy'; readonly node?: number; readonly downMs: number }
  /** Of several nodes: the process is suspended, or cut off from Redis, or its connections to Redis break. */
  | { readonly do: 'suspend' | 'isolate'; readonly node: number; readonly forMs: number }
  | { readonly do: 'disconnect'; readonly node: number }
  | { readonly do: 'lose pushes'; readonly node: number; readonly pushes: number }
  /** A copy of Redis takes its place that lacks the latest writes. */
  | { readonly do: 'promote'; readonly effects: number }
  | { readonly do: 'power failure'; readonly downMs: number; readonly effects: number }
  | { readonly do: 'disk stalls' | 'disk is full'; readonly forMs: number }

/** What every plan may have. */
type Drawn = Exclude<Act['do'], 'deed'>

/** An act, and how long until the next one. */
export type Step = Act & { readonly thenMs: number }

export interface Plan {
  readonly seed: number
  /** Nodes that share a Redis; without it one server on a disk. */
  readonly nodes?: number | undefined
  readonly settings: Partial<CoreSettings>
  /** Most events that a room keeps. */
  readonly retention: number
  /** Longest usual delay of a message. */
  readonly networkMs: number
  /** Longest time until a call takes effect on the disk, and again until it is answered. */
  readonly diskMs: number
  /** How long a token is good; for ever without it. */
  readonly tokenMs?: number | undefined
  /** Length of each message: some runs test messages that do not fit. */
  readonly contentBytes: number
  readonly clients: readonly ClientPlan[]
  /** Users who are admins to begin with. */
  readonly admins: readonly string[]
  readonly rooms: readonly string[]
  readonly steps: readonly Step[]
}

export interface PlanOptions {
  /** Rooms of the application; the first ones are used most. */
  readonly rooms: readonly string[]
  /** How much happens. Default 60. */
  readonly steps?: number | undefined
  /** Nodes that share a Redis; without it one server on a disk. */
  readonly nodes?: number | undefined
  /** How often clients do something of the application's own. */
  readonly deeds?: Readonly<Record<string, number>> | undefined
  /** Settings of the server beside those that every plan has. */
  readonly settings?: Partial<CoreSettings> | undefined
  /** Some clients ask for less than everything. */
  readonly hasFlows?: boolean | undefined
}

const NAMES = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay', 'gus', 'hal']
/** How often something happens, next to the others; what comes with a fault of its own is left out of some runs. */
const WEIGHTS: Readonly<Partial<Record<Drawn, number>>> = {
  ...{ say: 30, revise: 4, 'take back': 3, 'say privately': 3, chatter: 4, join: 6, leave: 3 },
  ...{ cut: 4, outage: 2, 'black hole': 2, stall: 3, 'go away': 1 },
  ...{ kill: 2, deploy: 1, 'power failure': 1, 'disk stalls': 1, 'disk is full': 1, 'change role': 2 },
  // Steps that end a fault come often, so that not everything is broken at once.
  ...{ heal: 4, drain: 4, 'come back': 4 },
}
/** What happens to nodes and to what they share, besides. */
const NODE_WEIGHTS: typeof WEIGHTS = { ...WEIGHTS, suspend: 2, isolate: 2, disconnect: 3, 'lose pushes': 2, promote: 1 }
const ALWAYS: ReadonlySet<string> = new Set(['say', 'join', 'heal', 'drain', 'come back'])

export function makePlan(seed: number, options: PlanOptions): Plan {
  const { rooms, steps = 60, nodes, deeds = {}, hasFlows = false, settings } = options
  const random = new SeededRandom(seed)
  const made = makeClients(random)
  const clients = hasFlows ? withFlows(made, random) : made
  const weights = nodes === undefined ? WEIGHTS : NODE_WEIGHTS
  const acts = (Object.keys(weights) as Drawn[]).filter((name) => ALWAYS.has(name) || random.integer(3) > 0)
  const bag = acts.flatMap((name) => new Array<Drawn>(weights[name] ?? 0).fill(name))
  const pauseMs = random.pick([40, 150, 500])
  const deedBag = Object.entries(deeds).flatMap(([name, weight]) => new Array<string>(weight).fill(name))
  const counts = { clients: clients.length, rooms: rooms.length, nodes }
  const make = (): Step => {
    const place = deedBag.length === 0 ? 0 : random.integer(bag.length + deedBag.length) - bag.length
    const what = deedBag.length === 0 || place < 0 ? undefined : deedBag[place]
    const act = what === undefined ? makeAct(random.pick(bag), random, counts) : makeDeed(what, random, counts)
    return { ...act, thenMs: random.integer(4) === 0 ? 0 : random.integer(pauseMs) }
  }
  return {
    seed,
    ...(nodes === undefined ? {} : { nodes }),
    settings: {
      ...{ ratePerSecond: 0, ratePerMinute: 0, pingIntervalMs: 4_000, pongTimeoutMs: 1_000 },
      ...{ presenceGraceMs: 2_000, sessionMs: 20_000, drainMs: 1_000 },
      historySize: random.pick([1, 4, 100]),
      outboxBytes: random.pick([600, 4_000, 131_072]),
      replayMax: random.pick([6, 1_000, 1_000]),
      ...settings,
    },
    retention: random.pick([8, 10_000, 10_000]),
    networkMs: random.pick([2, 20, 200]),
    diskMs: random.pick([0, 5, 60]),
    tokenMs: random.integer(3) === 0 ? 36_000 : undefined,
    contentBytes: random.pick([0, 0, 0, 8_000]),
    clients,
    admins: clients.map(({ user }) => user).filter(() => random.integer(2) === 0),
    rooms,
    steps: [...Array.from({ length: steps }, make), ...makeFinale(random, clients.length)],
  }
}

/** Some users have two clients. */
function makeClients(random: SeededRandom): ClientPlan[] {
  const count = 3 + random.integer(NAMES.length - 3)
  return Array.from({ length: count }, (_, index) => {
    const name = NAMES[index] as string
    const isSecond = index > 0 && random.integer(4) === 0
    const user = isSecond ? (NAMES[random.integer(index)] as string) : name
    return { kind: index === 0 || random.integer(2) === 0 ? 'sdk' : 'bare', name, user }
  })
}

/** Few, since those who want everything check most. */
function withFlows(clients: readonly ClientPlan[], random: SeededRandom): ClientPlan[] {
  return clients.map((client) => {
    if (client.kind === 'sdk' || random.integer(4) > 0) return client
    return { ...client, flow: random.pick(['latest', 'latest', { everyMs: 200 }, { everyMs: 2_000 }] as const) }
  })
}

function makeDeed(what: string, random: SeededRandom, { clients, rooms }: Counts): Act {
  const room = Math.min(random.integer(rooms), random.integer(rooms))
  return { do: 'deed', what, who: random.integer(clients), room, pick: random.integer(60) }
}

/** In the end one client does not read while another sends: no later event can help the slow one to notice. */
function makeFinale(random: SeededRandom, clients: number): Step[] {
  if (random.integer(2) === 0) return []
  const [who, other] = [random.integer(clients), random.integer(clients)]
  return [
    { do: 'stall', who, thenMs: 10 },
    { do: 'say', who: other, room: 0, times: 12, thenMs: 300 },
  ]
}

interface Counts {
  readonly clients: number
  readonly rooms: number
  readonly nodes: number | undefined
}

function makeAct(name: Drawn, random: SeededRandom, { clients, rooms, nodes }: Counts): Act {
  const who = random.integer(clients)
  // The first rooms are busier, so that concurrent events meet.
  const room = Math.min(random.integer(rooms), random.integer(rooms))
  const node = (): { node?: number } => (nodes === undefined ? {} : { node: random.integer(nodes) })
  // A node that is killed may be back before its lease is over, or after.
  const longest = nodes === undefined || random.integer(3) > 0 ? 1_500 : 12_000
  const downMs = (): number => 50 + random.integer(longest)
  // Redis that is killed keeps what it has answered, most often.
  const effects = (): number => (nodes !== undefined && random.integer(2) === 0 ? 0 : random.integer(12))
  switch (name) {
    case 'say':
      return { do: name, who, room, times: random.integer(5) === 0 ? 1 + random.integer(12) : 1 }
    case 'say privately':
      return { do: name, who, to: random.integer(clients) }
    case 'revise':
    case 'take back':
    case 'chatter':
    case 'join':
    case 'leave':
      return { do: name, who, room }
    case 'black hole':
      return { do: name, who, notices: random.pick(['client', 'server', undefined] as const) }
    case 'kill':
      return { do: name, ...node(), downMs: downMs(), isSilent: random.integer(3) === 0 }
    case 'deploy':
      return { do: name, ...node(), downMs: downMs() }
    case 'power failure':
      return { do: name, downMs: downMs(), effects: effects() }
    case 'disk stalls':
      return { do: name, forMs: 500 + random.integer(nodes === undefined ? 7_000 : 14_000) }
    case 'disk is full':
      return { do: name, forMs: 500 + random.integer(3_000) }
    case 'suspend':
    case 'isolate':
      return { do: name, node: random.integer(nodes ?? 1), forMs: 200 + random.integer(14_000) }
    case 'disconnect':
      return { do: name, node: random.integer(nodes ?? 1) }
    case 'lose pushes':
      return { do: name, node: random.integer(nodes ?? 1), pushes: 1 + random.integer(4) }
    case 'promote':
      return { do: name, effects: effects() }
    default:
      return { do: name, who }
  }
}

/** One step in words. */
export function describeStep({ clients, rooms }: Plan, { do: name, thenMs, ...step }: Step): string {
  const who = 'who' in step ? clients[step.who]?.name : 'server'
  const room = 'room' in step ? ` ${rooms[step.room]}` : ''
  const more = Object.entries(step).filter(([field]) => field !== 'who' && field !== 'room')
  return `${who}: ${name}${room}${more.map(([field, value]) => `, ${field} ${value}`).join('')}; then ${thenMs} ms`
}
