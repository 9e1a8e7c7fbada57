/**
 * Documents in a Redis that several nodes share. A change is stored first and then sent to the nodes that have the document
 * open, by one call. Changes commute, so a node takes each when it comes; numbers show whether one is missing, and what is
 * missing is read from Redis, never from another node.
 */
import { type Roomful, RoomfulError } from '@roomful/server'
import type { Clock, Random } from '@roomful/server/ports'
import { DEFAULT_PREFIX, openRedis, type Redis, tagOf } from '@roomful/server/redis'
import type { AwarenessStatement } from '../../awareness.ts'
import type { QuotaLimits } from '../../quotas.ts'
import type { DocumentCopy, DocumentNodes, DocumentStore, Refusal } from '../port.ts'
import type { DocumentChange, DocumentRecord, ListPage, Loaded, NewDocument, StoredUpdate, Usage } from '../record.ts'
import { Folding } from './folding.ts'
import { type Frame, type Opened, parseFrames, toOpened, toRecord } from './frames.ts'
import { library } from './library.ts'
import { RedisLink } from './link.ts'
import { Progress } from './progress.ts'

export interface RedisStoreOptions {
  readonly redis: NonNullable<Roomful['storage']['redis']>
  /** The namespace whose rooms the documents are. */
  readonly namespace: string
  readonly clock: Clock
  readonly random: Random
  readonly limits: QuotaLimits
  /** Updates are folded once there are as many, or once they are as large as the snapshot and this. */
  readonly foldUpdates: number
  readonly foldBytes: number
  /** Something that a person should know of. */
  readonly report: (error: unknown) => void
  /** Another time than Redis', and other patience, for tests. */
  readonly time?: (() => number) | undefined
  readonly deadlineMs?: number
}

/** A restart of Redis is a pause, not a wave of reconnections. */
const DEADLINE_MS = 30_000
const NODE_LENGTH = 8
/** Of one call: Redis does nothing else meanwhile. */
const CALL_UPDATES = 500
const CALL_BYTES = 1024 ** 2
const CALL_RECORDS = 200
/** A change that is late behind a later one is read after this time. */
const HOLE_MS = 100
/** Documents that are read at the same time after a break. */
const REREAD_AT_ONCE = 8
/** Cursors of one message. */
const STATEMENTS_BYTES = 128 * 1024

interface Followed {
  readonly progress: Progress
  copy: DocumentCopy | undefined
  /** Something came while it was being loaded, and nothing was there to take it. */
  hasMissed: boolean
  readonly others: Set<string>
  isReading: boolean
  wantsReading: boolean
  cancelHole: (() => void) | undefined
  /** Cursors that are to be sent: the latest statement of each. */
  readonly moved: Map<number, AwarenessStatement>
}

export class RedisStore implements DocumentStore, DocumentNodes {
  readonly nodes = this
  private readonly options: RedisStoreOptions
  readonly node: string
  private readonly link: RedisLink
  private readonly folding: Folding
  private readonly limits: readonly string[]
  /** Documents that are open here. */
  private readonly followed = new Map<string, Followed>()
  private readonly moving = new Set<string>()
  private isMoving = false
  private joins = 0

  constructor(options: RedisStoreOptions) {
    this.options = options
    const { redis, namespace, clock, random, limits, foldUpdates, foldBytes, time, deadlineMs = DEADLINE_MS } = options
    this.node = random.id(NODE_LENGTH)
    let loaded: Promise<Redis> | undefined
    this.link = new RedisLink({
      redis: () => {
        loaded ??= openRedis(redis.url)
        return loaded
      },
      library,
      tag: tagOf(redis.prefix ?? DEFAULT_PREFIX, `yjs ${namespace}`),
      node: this.node,
      clock,
      time,
      deadlineMs,
      onMessage: (message) => this.onMessage(message),
      onJoined: (isKnown) => void this.onJoined(isKnown),
      report: options.report,
    })
    this.folding = new Folding({ link: this.link, random })
    const { maxDocuments, maxDocumentsPerUser, maxBytesPerUser, maxTotalBytes } = limits
    this.limits = [maxDocuments, maxDocumentsPerUser, maxBytesPerUser, maxTotalBytes, foldUpdates, foldBytes].map(
      String,
    )
  }

  /** Resolves when the documents can be used, or Redis is away. @throws Error (rejects) when they are of a newer version */
  opened(): Promise<void> {
    return this.link.opened()
  }

  async load(id: string): Promise<Loaded> {
    const followed = newFollowed()
    this.followed.set(id, followed)
    try {
      const opened = await this.open(id, followed, 'follow')
      if (opened.isRemoved) this.release(id)
      const { record, account, isRemoved, updates } = opened
      return { record, account, isRemoved, updates }
    } catch (error) {
      this.release(id)
      throw error
    }
  }

  attach(id: string, copy: DocumentCopy): void {
    const followed = this.followed.get(id)
    if (!followed) return
    followed.copy = copy
    if (followed.hasMissed) void this.readMore(id, followed, 'follow')
    if (followed.others.size > 0) void this.link.signal('signal', [id, 'opened', '', ''])
  }

  release(id: string): void {
    const followed = this.followed.get(id)
    followed?.cancelHole?.()
    if (followed) void this.sendMovedOf(id, followed) // the last link took its cursors with it
    this.followed.delete(id)
    this.moving.delete(id)
    this.link.ask('close', [this.node, id]).catch(() => undefined) // with the node's lease
  }

  reread(id: string): void {
    const followed = this.followed.get(id)
    if (!followed) return
    followed.progress.reached(0, '')
    void this.readMore(id, followed)
  }

  moved(id: string, statements: readonly AwarenessStatement[]): void {
    const followed = this.followed.get(id)
    if (!followed || followed.others.size === 0) return
    for (const statement of statements) followed.moved.set(statement.clientId, statement)
    this.moving.add(id)
    if (this.isMoving) return
    this.isMoving = true
    this.options.clock.turnEnd(() => void this.sendMoved())
  }

  async recheck(id: string): Promise<void> {
    await this.link.change('recheck', [id])
  }

  async append(updates: readonly StoredUpdate[]): Promise<(Refusal | undefined)[]> {
    const outcomes: (Refusal | undefined)[] = []
    for (const part of inParts(updates)) {
      try {
        outcomes.push(...(await this.appendPart(part)))
      } catch (error) {
        if (outcomes.length === 0) throw error
        return updates.map((_, i) => (i < outcomes.length ? outcomes[i] : 'UNAVAILABLE'))
      }
    }
    return outcomes
  }

  fold(id: string): Promise<void> {
    return this.folding.fold(id)
  }

  async find(id: string): Promise<DocumentRecord | undefined> {
    return toRecord(await this.link.ask('find', [id])).record
  }

  async list({ limit, before }: ListPage): Promise<DocumentRecord[]> {
    const all: DocumentRecord[] = []
    for (let last = before; all.length < limit; last = all.at(-1)) {
      const wanted = Math.min(limit - all.length, CALL_RECORDS)
      const after = last === undefined ? ['', ''] : [String(last.changedAt), last.id]
      const page = await this.link.ask('list', [String(wanted), ...after])
      all.push(...page.flatMap((record) => toRecord(record).record ?? []))
      if (page.length < wanted) break
    }
    return all
  }

  async usage(account?: string): Promise<Usage> {
    const [documents, bytes] = await this.link.ask('usage', account === undefined ? [] : [account])
    return { documents: Number(documents), bytes: Number(bytes) }
  }

  async create({ id, title, ownerId, account }: NewDocument): Promise<DocumentRecord | undefined> {
    const [most = '', mostOwn = ''] = this.limits
    const [status, record] = await this.link.change('create', [most, mostOwn, id, title, ownerId, account])
    switch (String(status)) {
      case 'OK':
        return toRecord(record).record
      case 'TAKEN':
        return undefined
      default:
        throw new RoomfulError('TOO_MANY_DOCUMENTS')
    }
  }

  async change(id: string, { title, isLocked }: DocumentChange): Promise<DocumentRecord | undefined> {
    const named = title === undefined ? ['0', ''] : ['1', title]
    const locked = isLocked === undefined ? '' : isLocked ? '1' : '0'
    return toRecord((await this.link.change('change', [id, ...named, locked]))[1]).record
  }

  async remove(id: string): Promise<string | undefined> {
    const [, wasThere, account] = await this.link.change('remove', [id])
    return wasThere === 1 ? String(account) : undefined
  }

  /** The server is about to close: what Redis does not answer soon is given up. */
  hurry(): void {
    this.link.hurry()
  }

  async close(): Promise<void> {
    await this.folding.close()
    await this.link.close()
  }

  private async appendPart(updates: readonly StoredUpdate[]): Promise<(Refusal | undefined)[]> {
    const args = updates.flatMap(({ id, update, userId, account, isFree }) => [
      ...[id, userId, account, isFree ? 'free' : '', Buffer.from(update.buffer, update.byteOffset, update.byteLength)],
    ])
    const [, tag, ...replies] = await this.link.change('append', [...this.limits, ...args])
    return updates.map(({ id, account }, i) => {
      const [v, owner, isLong] = replies.slice(3 * i, 3 * i + 3)
      if (isLong === 1) this.folding.soon(id)
      if (typeof v !== 'number') return String(v) as Refusal
      const followed = this.followed.get(id)
      if (!followed) return undefined
      if (String(owner) !== account) followed.copy?.receive([], String(owner))
      this.note(id, followed, v, String(tag))
      return undefined
    })
  }

  private async open(id: string, { progress, others }: Followed, follow: 'follow' | ''): Promise<Opened> {
    const known = [String(progress.v), progress.tag]
    if (follow !== '') others.clear() // those that open it meanwhile say so
    const opened = toOpened(await this.link.ask('open', [this.node, id, ...known, follow]))
    progress.reached(opened.v, opened.tag)
    for (const node of opened.nodes) others.add(node)
    return opened
  }

  /** A change is here. Those before it may still be on their way, or were lost with a message. */
  private note(id: string, followed: Followed, v: number, tag: string): void {
    if (followed.progress.has(v, tag)) return
    followed.cancelHole ??= this.options.clock.after(HOLE_MS, () => {
      followed.cancelHole = undefined
      if (followed.progress.hasHole) void this.readMore(id, followed)
    })
  }

  /** Reads what this copy lacks; once at a time. */
  private async readMore(id: string, followed: Followed, follow: 'follow' | '' = ''): Promise<void> {
    if (followed.isReading) {
      followed.wantsReading = true
      return
    }
    followed.isReading = true
    followed.hasMissed = false
    try {
      const knewSome = followed.progress.v > 0
      const { isRemoved, isSame, updates, account } = await this.open(id, followed, follow)
      const { copy } = followed
      if (this.followed.get(id) !== followed || copy === undefined) return
      if (isRemoved) return copy.removed()
      if (isSame || !knewSome) copy.receive(updates, account)
      else copy.restore(updates, account)
      if (follow !== '') copy.keepNodes([...followed.others])
    } catch {
      // Redis cannot be reached: everything is read again on the next connection.
    } finally {
      followed.isReading = false
      if (followed.wantsReading) {
        followed.wantsReading = false
        void this.readMore(id, followed)
      }
    }
  }

  /** A connection is new. What came while there was none is read, and what Redis has lost is stored again. */
  private async onJoined(isKnown: boolean): Promise<void> {
    const join = ++this.joins
    const waiting = [...this.followed].filter(([, { copy }]) => copy !== undefined)
    for (const followed of this.followed.values()) {
      followed.progress.forgetEarly()
      followed.hasMissed ||= followed.copy === undefined
    }
    const next = async (): Promise<void> => {
      for (let item = waiting.pop(); item !== undefined && join === this.joins; item = waiting.pop()) {
        const [id, followed] = item
        await this.readMore(id, followed, 'follow')
        if (this.followed.get(id) !== followed) continue
        void this.link.signal('signal', [id, 'opened', '', ''])
        if (!isKnown) followed.copy?.returned()
        this.sendAll(id, followed, '')
        followed.copy?.recheck()
      }
    }
    await Promise.all(Array.from({ length: REREAD_AT_ONCE }, next))
  }

  private onMessage(message: Buffer): void {
    for (const frame of parseFrames(message)) this.onFrame(frame)
  }

  private onFrame(frame: Frame): void {
    const { kind, id, tag, body } = frame
    if (kind === 'gone') return this.onNodeGone(id)
    const followed = this.followed.get(id)
    if (!followed) return
    const { copy } = followed
    if (copy === undefined) followed.hasMissed = true
    switch (kind) {
      case 'update':
        copy?.receive([body], frame.account)
        if (copy) this.note(id, followed, frame.v, tag)
        return
      case 'large':
        return void (copy && this.readMore(id, followed))
      case 'opened':
        followed.others.add(tag)
        return this.sendAll(id, followed, tag)
      case 'moved':
      case 'all':
        followed.others.add(tag)
        return copy?.applyRemote(tag, JSON.parse(body.toString()) as AwarenessStatement[], kind === 'all')
      case 'recheck':
        return copy?.recheck()
      case 'removed':
        return copy?.removed()
      default:
        return kind satisfies never
    }
  }

  private onNodeGone(node: string): void {
    for (const { copy, others } of this.followed.values()) {
      if (others.delete(node)) copy?.keepNodes([...others])
    }
  }

  /** All cursors of this node, to one that opened the document or to all. */
  private sendAll(id: string, { copy, others }: Followed, to: string): void {
    if (copy === undefined || others.size === 0) return
    let kind = 'all'
    for (const part of inMessages(copy.statements())) {
      void this.link.signal('signal', [id, kind, part, to])
      kind = 'moved'
    }
  }

  /** One message at a time: what moves meanwhile is in the next one. */
  private async sendMoved(): Promise<void> {
    while (this.moving.size > 0) {
      const all = [...this.moving]
      this.moving.clear()
      for (const id of all) {
        const followed = this.followed.get(id)
        if (followed) await this.sendMovedOf(id, followed)
      }
    }
    this.isMoving = false
  }

  private async sendMovedOf(id: string, { moved }: Followed): Promise<void> {
    if (moved.size === 0) return
    const statements = [...moved.values()]
    moved.clear()
    await Promise.all(inMessages(statements).map((part) => this.link.signal('signal', [id, 'moved', part, ''])))
  }
}

function newFollowed(): Followed {
  return {
    progress: new Progress(),
    copy: undefined,
    hasMissed: false,
    others: new Set(),
    isReading: false,
    wantsReading: false,
    cancelHole: undefined,
    moved: new Map(),
  }
}

/** Calls that are small enough; one larger update is a call of its own. */
function inParts(updates: readonly StoredUpdate[]): StoredUpdate[][] {
  const parts: StoredUpdate[][] = []
  let part: StoredUpdate[] = []
  let bytes = 0
  for (const each of updates) {
    if (part.length === CALL_UPDATES || (part.length > 0 && bytes + each.update.byteLength > CALL_BYTES)) {
      parts.push(part)
      part = []
      bytes = 0
    }
    part.push(each)
    bytes += each.update.byteLength
  }
  return part.length > 0 ? [...parts, part] : parts
}

/** At least one, so that a node without cursors says so. */
function inMessages(statements: readonly AwarenessStatement[]): string[] {
  const messages: string[] = []
  let part: AwarenessStatement[] = []
  let length = 0
  for (const each of statements) {
    if (length > STATEMENTS_BYTES) {
      messages.push(JSON.stringify(part))
      part = []
      length = 0
    }
    part.push(each)
    length += each.json.length
  }
  return [...messages, JSON.stringify(part)]
}
