/** The chat with facts beside it: state that many write, what members say of themselves, and how far they have read. */
import type { Actor } from '../actors/actor.ts'
import { type Application, CHAT, setUpChat } from '../application.ts'
import type { Extras, ExtrasOutcome } from './companion.ts'
import { COUNTED, FactsCompanion } from './facts-companion.ts'
import { FlowCompanion } from './flow-companion.ts'

const CAST = 'ballot:cast'
/** Of a room that counts: what `room:unread` looks through. */
const LOOKED_THROUGH = 500
const UNREAD_MAX = 100

const EXTRAS: Extras = {
  deeds: { set: 8, compare: 6, 'all: compare': 3, delete: 2, count: 5, cast: 5, present: 10, read: 6 },
  hasFlows: true,
  companion: (host) => (host.flow === undefined ? new FactsCompanion(host) : new FlowCompanion(host)),
  check: async (outcome) => {
    const problems: string[] = []
    for (const roomId of outcome.rooms)
      problems.push(...(await checkStorage(outcome, roomId)), ...checkRoom(outcome, roomId))
    return problems
  },
}

export const FACTS: Application = {
  ...CHAT,
  events: [...CHAT.events, CAST],
  setUp: (server) => {
    const namespace = setUpChat(server)
    // An event and two facts of one handler: all of them or none.
    namespace.on('cast-ballot', (context, data) => {
      const { roomId, content } = data as { roomId: string; content: string }
      const state = context.state(roomId)
      state.add(COUNTED)
      context.append(roomId, CAST, { content })
      state.set('latest-ballot', content)
      return { status: 'ok' }
    })
  },
  extras: EXTRAS,
}

/** What the log has is what it took: nothing acknowledged is lost, whatever was killed. */
async function checkStorage({ namespace, machines, truth }: ExtrasOutcome, roomId: string): Promise<string[]> {
  const server = machines.find((machine) => machine.isUp)?.server
  if (!server) return []
  const { versions, state, reads } = truth(roomId)
  const wrong: string[] = []
  const stored = await server.broker.state(namespace, roomId)
  const has = new Map(stored.entries.map(({ name, value, version }) => [name, `${value} (${version})`]))
  if (stored.fv !== versions.length)
    wrong.push(`${roomId} has version ${stored.fv} in the log, which took ${versions.length}`)
  for (const name of new Set([...has.keys(), ...state.keys()])) {
    const entry = state.get(name)
    const took = entry && `${entry.value} (${entry.version})`
    if (has.get(name) !== took) wrong.push(`${name} in ${roomId} is ${has.get(name)} in the log, which took ${took}`)
  }
  for (const [user, seq] of reads) {
    const [read] = await server.broker.readPositions(namespace, user, [roomId])
    if (read !== seq) wrong.push(`${user} has read ${roomId} up to ${read} in the log, which took ${seq}`)
  }
  return wrong
}

function* checkRoom(outcome: ExtrasOutcome, roomId: string): Iterable<string> {
  const { events, state, versions } = outcome.truth(roomId)
  const cast = events.filter(({ type }) => type === CAST)
  const counted = Number(state.get(COUNTED)?.value ?? 0)
  const latest = versions.filter(({ name }) => name === 'latest-ballot').length
  if (cast.length !== counted || latest !== counted)
    yield `${cast.length} ballots are in ${roomId}, ${counted} are counted, and ${latest} were the latest`
  const present = outcome.actors.filter((actor) => actor.rooms().includes(roomId))
  for (const actor of present) {
    const { companion } = actor
    if (!companion) continue
    yield* companion.problems(roomId)
    if (!(companion instanceof FactsCompanion)) continue
    yield* checkSaid(actor, companion, present, roomId)
    yield* checkUnread(actor, companion, outcome, roomId)
  }
}

/** Each member says what its clients say that are in the room, and nothing of those that are gone. */
function* checkSaid(
  { name }: Actor,
  companion: FactsCompanion,
  present: readonly Actor[],
  roomId: string,
): Iterable<string> {
  const said = companion.saidIn(roomId)
  if (!said) return
  const expected = new Map<string, Record<string, unknown>>()
  const open = new Set<string>()
  for (const { user, name: client, companion: other } of present) {
    if (!(other instanceof FactsCompanion)) continue
    if (other.mayStillSay.has(roomId)) open.add(client)
    expected.set(user, { ...expected.get(user), ...other.says.get(roomId) })
  }
  for (const user of new Set([...expected.keys(), ...said.keys()])) {
    const [wanted, seen] = [expected.get(user) ?? {}, JSON.parse(said.get(user) ?? '{}') as Record<string, unknown>]
    for (const field of new Set([...Object.keys(wanted), ...Object.keys(seen)])) {
      if (open.has(field) || wanted[field] === seen[field]) continue
      yield `${user} says ${field}: ${wanted[field]} in ${roomId}, and ${name} sees ${seen[field]}`
    }
  }
}

function* checkUnread(
  { name, user }: Actor,
  companion: FactsCompanion,
  { truth, log }: ExtrasOutcome,
  roomId: string,
): Iterable<string> {
  const counted = companion.unreadIn(roomId)
  const room = log.get(roomId)
  if (counted === undefined || !room) return
  const { events, reads } = truth(roomId)
  const read = reads.get(user) ?? 0
  const kept = events.filter(({ seq }) => seq > read && seq >= room.first).slice(0, LOOKED_THROUGH)
  const unread = kept.filter(({ seq, type, userId }) => {
    return type === 'message:new' && userId !== user && !room.emptied?.has(seq)
  })
  const most = Math.min(unread.length, UNREAD_MAX)
  if (counted !== most) yield `${most} messages of ${roomId} are unread by ${user}; ${name} is answered ${counted}`
}
