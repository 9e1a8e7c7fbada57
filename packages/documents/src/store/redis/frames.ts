/** What the functions in `static/redis/documents.lua` send to a node, and what they answer. */
import type { DocumentRecord } from '../record.ts'

export type FrameKind =
  /** A change, with its bytes. */
  | 'update'
  /** A change that is too large for a message. */
  | 'large'
  /** Cursors that moved. */
  | 'moved'
  /** All cursors of a node. */
  | 'all'
  /** A node has opened the document. */
  | 'opened'
  | 'recheck'
  | 'removed'
  /** A node is gone: its name stands in place of a document's. */
  | 'gone'

export interface Frame {
  readonly kind: FrameKind
  readonly id: string
  readonly v: number
  /** Of a change; of cursors the node. */
  readonly tag: string
  readonly account: string
  readonly body: Buffer
}

const NEWLINE = 10

/** Which of the messages to this node it is. */
export function numberOf(message: Buffer): number {
  return Number(message.toString('latin1', 0, message.indexOf(NEWLINE)))
}

export function parseFrames(message: Buffer): Frame[] {
  let at = message.indexOf(NEWLINE) + 1
  const frames: Frame[] = []
  while (at < message.length) {
    const end = message.indexOf(NEWLINE, at)
    const [kind, id, v, tag, account, length] = JSON.parse(message.toString('utf8', at, end)) as [
      ...[FrameKind, string, number, string, string, number],
    ]
    const from = end + 1
    // A copy, since the message as a whole would stay as long as any part of it.
    frames.push({ kind, id, v, tag, account, body: Buffer.from(message.subarray(from, from + length)) })
    at = from + length
  }
  return frames
}

export function toRecord(reply: unknown): { record: DocumentRecord | undefined; account: string | undefined } {
  const [isThere, id, title, ownerId, account, isLocked, createdAt, changedAt, bytes] = reply as unknown[]
  if (isThere === 0) return { record: undefined, account: undefined }
  return {
    record: {
      id: String(id),
      title: String(title),
      ownerId: String(ownerId),
      isLocked: String(isLocked) === '1',
      createdAt: Number(createdAt),
      changedAt: Number(changedAt),
      bytes: Number(bytes),
    },
    account: String(account),
  }
}

/** What a document is answered with. */
export interface Opened {
  readonly record: DocumentRecord | undefined
  readonly account: string | undefined
  readonly isRemoved: boolean
  readonly v: number
  readonly tag: string
  /** The updates are those after the change that was asked about, and not all of them. */
  readonly isSame: boolean
  readonly nodes: readonly string[]
  readonly updates: readonly Uint8Array[]
}

const NODE_LENGTH = 8

export function toOpened(reply: readonly unknown[]): Opened {
  const [, record, v, tag, isSame, nodes, isRemoved, ...updates] = reply
  const all = String(nodes)
  return {
    ...toRecord(record),
    isRemoved: isRemoved === 1,
    v: Number(v),
    tag: String(tag),
    isSame: isSame === 1,
    nodes: Array.from({ length: all.length / NODE_LENGTH }, (_, i) =>
      all.slice(i * NODE_LENGTH, (i + 1) * NODE_LENGTH),
    ),
    updates: updates as Buffer[],
  }
}
