/** The arguments of the scripted append, and its answer: `static/redis/append.lua` reads the one and writes the other. */
import { Buffer } from 'node:buffer'
import { ERROR_CODES, isSampledTrace } from '@roomful/protocol'
import type { Append, Appended, Batch, RateLimit, SentSignal, Signal, StateChange } from '../../../core/ports/broker.ts'
import { isStateChange, keyOfFact } from '../../../core/ports/facts.ts'
import type { LeadMark } from '../../../core/ports/leads.ts'
import { limitRefusal } from '../common/append-batch.ts'
import { REFUSALS, refusedFact, refusedState } from '../common/texts.ts'
import { digestOf, secondOf, shortPrint } from './names.ts'
import { tailOf, traceFrame } from './rows.ts'

export interface AppendOptions {
  /** Random, for epochs of rooms that this makes. */
  readonly seed: string
  /** The time of a test; `''` for that of Redis. */
  readonly now: string
  readonly dedupeWindowMs: number
  readonly retention: number
  /** 0 for whatever their age. */
  readonly retentionMs: number
  readonly eventMax: number
  readonly hasClaims: boolean
}

const META_BYTES = 15
const TOO_LARGE = 1
const KEYED = 2
const SHARES_LIMITS = 4
const HAS_CLAIMS = 1
const HAS_FENCES = 2
const HAS_CHANGES = 4
const HAS_EPOCHS = 8

/** Names once, and where each stands in the list. */
class Index {
  readonly names: string[] = []
  private readonly places = new Map<string, number>()

  /** From 1. */
  of(name: string): number {
    const known = this.places.get(name)
    if (known !== undefined) return known
    const place = this.names.push(name)
    this.places.set(name, place)
    return place
  }
}

/** Without the node and the serial, which come first. */
export function appendArguments({ appends, signals }: Batch, options: AppendOptions): (string | Buffer)[] {
  const rooms = new Index()
  const seconds = new Index()
  const meta = Buffer.alloc(appends.length * META_BYTES)
  const entries: string[] = []
  const acks: string[] = []
  const limits: string[] = []
  for (let i = 0; i < appends.length; i++) {
    const entry = appends[i] as Append
    const { key, atomicGroup, aboutSeq } = entry
    const second = key ? secondOf(key.key) : ''
    meta.writeUInt16LE(rooms.of(entry.roomId), i * META_BYTES)
    meta.writeUInt16LE(second === '' ? 0 : seconds.of(second), i * META_BYTES + 2)
    meta.writeUInt16LE(atomicGroup === undefined ? 0 : (atomicGroup % 65_535) + 1, i * META_BYTES + 4)
    meta.writeUInt8(flagsOf(entry, options.eventMax), i * META_BYTES + 6)
    meta.writeDoubleLE(aboutSeq ?? -1, i * META_BYTES + 7)
    entries.push(tailOf(entry), key ? digestOf(key.scope, key.key) : '', key ? shortPrint(key.fingerprint) : '')
    if (key && entry.ack !== undefined) acks.push(String(i + 1), entry.ack)
    for (const { counts, scope, perMinute } of entry.limits ?? []) {
      limits.push(String(i + 1), scope, String(perMinute), counts === 'new-room' ? '1' : '0')
    }
  }
  const sent = withTraces(appends, signals)
  const signalArgs = sent.flatMap((signal) => signalArguments(signal, rooms))
  const fences = fencesOf(appends, sent)
  const changes = appends.flatMap(changeArguments)
  const epochs = appends.flatMap(({ epoch }, index) => (epoch === undefined ? [] : [String(index + 1), epoch]))
  const { seed, now, dedupeWindowMs, retention, retentionMs } = options
  return [
    now,
    seed,
    String(dedupeWindowMs),
    String(retention),
    String(retentionMs),
    String(rooms.names.length),
    String(seconds.names.length),
    String(appends.length),
    String(limits.length / 4),
    String(sent.length),
    String(acks.length / 2),
    String(
      (options.hasClaims ? HAS_CLAIMS : 0) +
        (fences === undefined ? 0 : HAS_FENCES) +
        (changes.length > 0 ? HAS_CHANGES : 0) +
        (epochs.length > 0 ? HAS_EPOCHS : 0),
    ),
    meta,
    ...(changes.length > 0 ? [String(changes.length / CHANGE_ARGUMENTS), ...changes] : []),
    ...(epochs.length > 0 ? [String(epochs.length / 2), ...epochs] : []),
    ...rooms.names.flatMap((name) => [name, String(name.length)]),
    ...seconds.names,
    ...entries,
    ...acks,
    ...limits,
    ...signalArgs,
    ...(fences === undefined ? [] : [fences]),
  ]
}

const CHANGE_ARGUMENTS = 10
const NONE = ['', '', '0']

/** What an entry does to a message that is being written. */
function changeArguments({ change, userId }: Append, index: number): string[] {
  if (change === undefined) return []
  const entry = String(index + 1)
  const text = (value: string): string[] => [String(value.length), value]
  if (isStateChange(change)) return stateArguments(entry, change, userId)
  const { kind, length } = change
  switch (kind) {
    case 'begin':
      return [entry, 'b', '0', '0', String(length), ...text(change.fragment), ...NONE]
    case 'extend':
      return [entry, 'x', String(change.seq), String(change.at), String(length), ...text(change.fragment), ...NONE]
    case 'end':
      return [entry, 'e', String(change.seq), '0', String(length), ...text(change.tail), ...NONE]
    case 'resume': {
      const { was, argsJson } = change
      const numbers = [entry, 'r', String(change.seq), String(was.length), String(length)]
      return [...numbers, ...text(change.fragment), was, argsJson, String(argsJson.length)]
    }
    default:
      return change satisfies never
  }
}

function stateArguments(entry: string, change: StateChange, userId: string | undefined): string[] {
  const user = userId === undefined ? '' : `,"userId":${JSON.stringify(userId)}`
  const names = [keyOfFact(change), JSON.stringify(change.name), user]
  const numbers = ['0', '0', '0']
  switch (change.kind) {
    case 'set':
      return [entry, 's', String(change.version ?? -1), ...numbers, change.value, ...names]
    case 'delete':
      return [entry, 'd', String(change.version ?? -1), ...numbers, '', ...names]
    case 'add':
      return [entry, 'p', String(change.by), ...numbers, '', ...names]
    case 'read':
      return [entry, 'q', String(change.seq), ...numbers, '', ...names]
    default:
      return change satisfies never
  }
}

function flagsOf({ argsJson, key, sharesLimits }: Append, eventMax: number): number {
  return (argsJson.length > eventMax ? TOO_LARGE : 0) | (key ? KEYED : 0) | (sharesLimits ? SHARES_LIMITS : 0)
}

/** Whose lead each entry and each signal is, where there are some: places in a list of names and fences. */
function fencesOf(appends: readonly Append[], signals: readonly SentFrame[]): string | undefined {
  const all = [...appends, ...signals]
  if (!all.some(({ lead }) => lead)) return undefined
  const places = new Index()
  const leads: (readonly [string, string])[] = []
  const placeOf = ({ lead }: Append | SentFrame): number => {
    if (!lead) return 0
    const place = places.of(`${lead.fence} ${lead.name}`)
    leads[place - 1] = [lead.name, String(lead.fence)]
    return place
  }
  const fences = { entries: appends.map(placeOf), signals: signals.map(placeOf), leads }
  return JSON.stringify(fences)
}

/** What the script hands to other nodes as it is, in its place. */
type SentFrame = Pick<Signal, 'at' | 'from' | 'to' | 'lead'> & {
  readonly rooms: readonly string[] | undefined
  readonly text: string
}

/** Signals in their order, and before each row that is followed its trace: a frame that older nodes leave out. */
function withTraces(appends: readonly Append[], signals: readonly Signal[]): readonly SentFrame[] {
  const frames = signals.map(frameOf)
  if (!appends.some(({ traceparent }) => isSampled(traceparent))) return frames
  const traces = appends.flatMap(({ roomId, traceparent, lead }, at): SentFrame[] =>
    isSampled(traceparent)
      ? [{ at, from: at, to: at + 1, lead, rooms: [roomId], text: traceFrame(roomId, traceparent) }]
      : [],
  )
  return [...frames, ...traces].sort((a, b) => a.at - b.at)
}

function frameOf({ at, from, to, lead, event, audience, traceparent }: Signal): SentFrame {
  const { type, argsJson, spread, roomId, isApplications } = event
  const plain: SentSignal = { event: { type, argsJson, spread, roomId, isApplications }, audience }
  const sent = isSampled(traceparent) ? { ...plain, traceparent } : plain
  return { at, from, to, lead, rooms: audience.rooms, text: `S${JSON.stringify(sent)}\n` }
}

/** Where spans are only looked at, and not exported, other nodes make none. */
function isSampled(traceparent: string | undefined): traceparent is string {
  return traceparent !== undefined && isSampledTrace(traceparent)
}

/** A connection, or a user, may be on any node; a room only where a client has it open. */
function signalArguments({ at, from, to, rooms: names, text }: SentFrame, rooms: Index): string[] {
  const isForAll = names === undefined || names.some((name) => name.startsWith('c_') || name.startsWith('user:'))
  const where = isForAll ? '*' : names.map((name) => rooms.of(name)).join(' ')
  return [String(at), String(from), String(to), where, text]
}

const CONFLICT: Appended = { status: 'refused', code: 'CONFLICT', message: ERROR_CODES.CONFLICT.message }
const LARGE: Appended = { status: 'refused', code: 'TOO_LARGE', message: ERROR_CODES.TOO_LARGE.message }
const FENCED: Appended = { status: 'refused', code: 'LEAD_LOST', message: 'Another node leads this now' }
const GONE: Appended = {
  status: 'refused',
  code: 'NOT_FOUND',
  message: 'The event that this is about is there no more',
}

/** @param reply what stands after the status: k, ts, results in one text, acks of repeats */
export function appendResults(reply: readonly unknown[], appends: readonly Append[]): Appended[] {
  const ts = Number(reply[2])
  const text = String(reply[3])
  if (text === '') return []
  const limits = text.includes('W') ? appends.flatMap((append) => append.limits ?? []) : []
  let acks = 4
  return text.split(',').map((result): Appended => {
    const [first = '', second, third] = result.slice(1).split(' ')
    switch (result[0]) {
      case 's':
        return { status: 'stored', n: Number(first), seq: Number(second), ts }
      case 'd':
        return { status: 'duplicate', n: Number(first), seq: Number(second), ts: Number(third) }
      case 'a': {
        const ack = String(reply[acks++])
        return { status: 'duplicate', n: Number(first), seq: Number(second), ts: Number(third), ack }
      }
      case 'v':
        return { status: 'changed', ts, version: Number(first), isRepeat: second === '1', value: String(reply[acks++]) }
      case 'B':
        return REFUSALS.B
      case 'S':
      case 'K':
        return refusedState(result[0], Number(first), second === '1' ? String(reply[acks++]) : undefined)
      case 'c':
        return { status: 'changed', ts, version: Number(first), isRepeat: second === '1' }
      case 'E':
      case 'G':
      case 'O':
      case 'P':
        return REFUSALS[result[0]]
      case 'A':
      case 'V':
        return refusedFact(result[0], Number(first))
      case 'C':
        return CONFLICT
      case 'F':
        return FENCED
      case 'L':
        return LARGE
      case 'N':
        return GONE
      default:
        return limitRefusal(limits[Number(second) - 1] as RateLimit, Number(first))
    }
  })
}

/** Leads of before, of which something was refused. @param reply to a batch with something of a lead */
export function lostLeads(reply: readonly unknown[]): LeadMark[] {
  const lost = JSON.parse(String(reply.at(-1))) as [name: string, fence: string][]
  return lost.map(([name, fence]) => ({ name, fence: Number(fence) }))
}
