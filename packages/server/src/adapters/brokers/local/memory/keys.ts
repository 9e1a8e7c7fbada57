/**
 * The keys of the memory log in the order in which they came, so that the oldest is found at once: a map keeps the order,
 * and one iterator held for good walks behind the deletions (a fresh one would walk over every hole again).
 */
import type { AppendKey } from '../../../../core/ports/broker.ts'
import type { FirstReply } from '../append-batch.ts'

/** What a key weighs, roughly: its text, the record and its place in the map. */
const KEY_BYTES = 256

export class MemoryKeys {
  private readonly replies = new Map<string, FirstReply>()
  private walk: Iterator<[string, FirstReply]> = this.replies.entries()
  private head: [string, FirstReply] | undefined
  private replyBytes = 0

  get size(): number {
    return this.replies.size
  }

  /** What all of them weigh, roughly. */
  get bytes(): number {
    return this.replies.size * KEY_BYTES + this.replyBytes
  }

  has(namespace: string, key: AppendKey): boolean {
    return this.replies.has(nameOf(namespace, key, 0))
  }

  /** @returns the binding, unless it came before `oldestTs` */
  find(namespace: string, key: AppendKey, part: number, oldestTs: number): FirstReply | undefined {
    const known = this.replies.get(nameOf(namespace, key, part))
    return known !== undefined && known.ts >= oldestTs ? known : undefined
  }

  /** Binds, unless `part` is the deciding 0 and there is a binding since `oldestTs`. @returns that binding */
  claim(namespace: string, key: AppendKey, part: number, reply: FirstReply, oldestTs: number): FirstReply | undefined {
    const name = nameOf(namespace, key, part)
    const known = this.replies.get(name)
    if (known !== undefined) {
      if (part === 0 && known.ts >= oldestTs) return known
      this.forget(name) // so that it takes its new place in the order
    }
    this.replies.set(name, reply)
    this.replyBytes += lengthOf(reply)
    return undefined
  }

  /** The reply that was known only afterwards, unless there is one. */
  saveReply(namespace: string, key: AppendKey, reply: string): void {
    const known = this.replies.get(nameOf(namespace, key, 0))
    if (known === undefined || known.reply !== undefined || known.fingerprint !== key.fingerprint) return
    known.reply = reply
    this.replyBytes += lengthOf(known)
  }

  /** When the oldest key came; infinity when there is none. */
  get oldestTs(): number {
    return this.oldest()?.[1].ts ?? Number.POSITIVE_INFINITY
  }

  dropOldest(): void {
    const oldest = this.oldest()
    if (oldest !== undefined) this.forget(oldest[0])
    this.head = undefined
  }

  private forget(name: string): void {
    const known = this.replies.get(name)
    if (known === undefined) return
    this.replyBytes -= lengthOf(known)
    this.replies.delete(name)
  }

  private oldest(): [string, FirstReply] | undefined {
    if (this.head !== undefined && this.replies.get(this.head[0]) === this.head[1]) return this.head
    let step = this.walk.next()
    if (step.done) {
      this.walk = this.replies.entries() // a finished iterator does not see what is added later
      step = this.walk.next()
    }
    this.head = step.done ? undefined : step.value
    return this.head
  }
}

function lengthOf({ reply }: FirstReply): number {
  return reply?.length ?? 0
}

/** Lengths in front, so that no choice of scope and key can be read in two ways. */
function nameOf(namespace: string, key: AppendKey, part: number): string {
  return `${part} ${namespace.length} ${key.scope.length} ${namespace}${key.scope}${key.key}`
}
