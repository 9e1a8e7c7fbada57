/**
 * `npm run chaos`: rounds of each fault against a real server, and a table. With `--nodes` rounds of faults against so many
 * nodes, each round with one that the seed draws.
 *
 *   --rounds N    of each fault (5); with nodes in all (20)
 *   --faults a,b  which (all)
 *   --calm N      messages between two rounds (150); with nodes of each publisher (10)
 *   --clients N   of each kind (2); with nodes always one
 *   --nodes N     how many
 *   --seed N      of the rounds (a random one)
 *   --in-order a,b  with nodes: one round of each, in this order; a violation prints it
 *   --record FILE notes each ten rounds there and goes on behind a violation; with the same seed and commit a run that was
 *                 stopped goes on where it was
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { SeededRandom } from '@roomful/testkit'
import { type Outcome, runChaos } from './chaos.ts'
import { FactsPlay } from './facts/room.ts'
import { FAULTS, type Fault, OPERATIONS } from './faults.ts'
import { NODE_FAULTS, type NodeFault } from './nodes/faults.ts'
import { runRounds } from './nodes/rounds.ts'
import { type Play, runPlay } from './play.ts'
import { ChaosRecord, commitNow } from './record.ts'
import { ChatPlay } from './socketio/chat.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    faults: { type: 'string' },
    calm: { type: 'string' },
    clients: { type: 'string', default: '2' },
    nodes: { type: 'string' },
    seed: { type: 'string' },
    record: { type: 'string' },
    'in-order': { type: 'string' },
    app: { type: 'string' },
    transient: { type: 'string', default: 'best-effort' },
  },
})
const NODES_MAX = 8
const APPS = ['facts', 'socketio']
/** In them acknowledged changes are gone, which only a log says. */
const WITH_LOSS: readonly string[] = ['promote-behind', 'maxmemory']
/** From an answer to what a member says next. */
const PACE_MS = 40
/** Rounds that share servers and one history. */
const LEG = 10
const oneServer = values.app === undefined ? [...FAULTS, ...OPERATIONS] : FAULTS
const severalNodes = NODE_FAULTS.filter((name) => values.app !== 'facts' || !WITH_LOSS.includes(name))
const all: readonly string[] = values.nodes === undefined ? oneServer : severalNodes
const faults = (values['in-order'] ?? values.faults)?.split(',') ?? all
const unknown = faults.filter((name) => !all.includes(name))
if (unknown.length > 0) fail(`There is no fault ${unknown.join(', ')}; there are ${all.join(', ')}`)

// The servers end with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

if (values.app !== undefined) await chaosOf(values.app)
else if (values.nodes === undefined) await chaos()
else await chaosWithNodes(nodesOf(values.nodes))

function fail(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}

async function chaos(): Promise<void> {
  const COLUMNS = ['faults', 'rounds', 'acknowledged', 'stored', 'heard', 'gaps', 'violations', 'seconds']
  console.log(`| ${COLUMNS.join(' | ')} |\n|${'---|'.repeat(COLUMNS.length)}`)
  for (const fault of faults as Fault[]) {
    const { violations, story, seconds, ...outcome }: Outcome = await runChaos({
      faults: [fault],
      rounds: Number(values.rounds ?? 5),
      calm: Number(values.calm ?? 150),
      perKind: Number(values.clients),
    })
    console.log(`| ${[...Object.values(outcome), violations.length, seconds.toFixed(0)].join(' | ')} |`)
    if (violations.length === 0) continue
    process.exitCode = 1
    console.log(`${violations.join('\n')}\n${story}`)
  }
}

async function chaosWithNodes(nodes: number): Promise<void> {
  const commit = commitNow()
  const record = values.record === undefined ? undefined : new ChaosRecord(values.record, { commit, nodes })
  const seed = values.seed === undefined ? (record?.seed ?? randomInt(2 ** 31)) : Number(values.seed)
  const inOrder = values['in-order']?.split(',')
  const all = (inOrder ?? drawn(new SeededRandom(seed), Number(values.rounds ?? 20))) as NodeFault[]
  const rounds = all.length
  console.log(`seed ${seed}: ${rounds} rounds with ${nodes} nodes on ${commit}`)
  let violated = 0
  for (let first = 0; first < rounds; first += LEG) {
    const legSeed = seed + first
    const done = record?.find(legSeed)
    if (done) {
      console.log(
        `rounds ${first + 1} to ${first + done.rounds} on ${commit}: done before, ${done.violations} violations`,
      )
      violated += done.violations
      continue
    }
    const { violations, story, seconds, ...outcome } = await runRounds({
      nodes,
      faults: all.slice(first, first + LEG),
      seed: legSeed,
      calm: Number(values.calm ?? 10),
      onRound: (line) => console.log(`${commit} ${line}`),
    })
    const summary = {
      ...{ commit, nodes, seed, first },
      ...outcome,
      violations: violations.length,
      seconds: Math.round(seconds),
    }
    console.log(JSON.stringify(summary))
    violated += violations.length
    if (violations.length > 0) {
      console.log(`${story}\n${violations.join('\n')}`)
      const these = all.slice(first, first + outcome.rounds).join()
      console.log(`These rounds again: npm run chaos -- --nodes ${nodes} --seed ${legSeed} --in-order ${these}`)
      if (!record) process.exit(1)
    }
    record?.add({ ...summary, seed: legSeed })
  }
  console.log(`${rounds} rounds with ${nodes} nodes on ${commit}: ${violated} violations`)
  process.exit(violated === 0 ? 0 : 1)
}

/** One of {@link PLAYS}: by the table of each fault with one server, by legs of rounds with nodes. */
async function chaosOf(app: string): Promise<void> {
  const nodes = values.nodes === undefined ? undefined : nodesOf(values.nodes)
  const commit = commitNow()
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
  const inOrder = values['in-order']?.split(',')
  const rounds = Number(values.rounds ?? (nodes === undefined ? 5 : 20))
  const each = () => faults.map((fault) => Array.from({ length: rounds }, () => fault))
  const drawnLegs = () => legs(inOrder ?? drawn(new SeededRandom(seed), rounds))
  const all = nodes === undefined && !inOrder ? each() : drawnLegs()
  console.log(`${app}, seed ${seed}, ${nodes ?? 1} nodes on ${commit}`)
  let violated = 0
  for (const [index, leg] of all.entries()) {
    const play = playOf(app)
    const onRound = (line: string): void => console.log(`${commit} ${line}`)
    const outcome = await runPlay(play, { nodes, faults: leg, seed: seed + index, onRound })
    const { figures, violations, seconds, story } = outcome
    const summary = {
      app,
      commit,
      nodes: nodes ?? 1,
      faults: [...new Set(leg)].join(),
      rounds: outcome.rounds,
      ...figures,
    }
    console.log(JSON.stringify({ ...summary, violations: violations.length, seconds: Math.round(seconds) }))
    violated += violations.length
    if (violations.length === 0) continue
    console.log(`${story}\n${violations.join('\n')}`)
    const again = `--seed ${seed + index} --in-order ${leg.slice(0, outcome.rounds).join()}`
    console.log(`These rounds again: npm run chaos -- --app ${app}${nodes ? ` --nodes ${nodes}` : ''} ${again}`)
  }
  console.log(`${app} on ${commit}: ${violated} violations`)
  process.exit(violated === 0 ? 0 : 1)
}

function playOf(app: string): Play {
  const calm = Number(values.calm ?? 10)
  const perKind = Number(values.clients)
  if (app === 'facts') return new FactsPlay({ calm, paceMs: PACE_MS })
  if (app === 'socketio') {
    const transient = values.transient === 'required' ? 'required' : 'best-effort'
    return new ChatPlay({ calm, perKind, transient, paceMs: PACE_MS })
  }
  return fail(`There is no application ${app}; there are ${APPS.join(', ')}`)
}

function legs<T>(list: readonly T[]): T[][] {
  const parts: T[][] = []
  for (let at = 0; at < list.length; at += LEG) parts.push(list.slice(at, at + LEG))
  return parts
}

function nodesOf(text: string): number {
  const nodes = Number(text)
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > NODES_MAX) fail(`--nodes must be from 1 to ${NODES_MAX}`)
  return nodes
}

/** All in some order, and again, so that each comes about as often as the others. */
function drawn(random: SeededRandom, rounds: number): string[] {
  const list: string[] = []
  while (list.length < rounds) {
    const left = [...faults]
    while (left.length > 0) list.push(left.splice(random.integer(left.length), 1)[0] as string)
  }
  return list.slice(0, rounds)
}
