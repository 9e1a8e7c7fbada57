/**
 * The keys of the memory log in the order in which they came, so that the oldest is found at once: a map keeps the order,
 * and one iterator held for good walks behind the deletions (a fresh one would walk over every hole again).
 */
import type { AppendKey } from '../../../../core/ports/broker.ts'
import type { FirstCommit } from '../../common/append-batch.ts'

/** What a key weighs, roughly: its text, the record and its place in the map. */
const KEY_BYTES = 256

export class MemoryKeys {
  private readonly commits = new Map<string, FirstCommit>()
  private walk: Iterator<[string, FirstCommit]> = this.commits.entries()
  private head: [string, FirstCommit] | undefined
  private ackBytes = 0

  get size(): number {
    return this.commits.size
  }

  /** What all of them weigh, roughly. */
  get bytes(): number {
    return this.commits.size * KEY_BYTES + this.ackBytes
  }

  has(namespace: string, key: AppendKey): boolean {
    return this.commits.has(nameOf(namespace, key, 0))
  }

  /** @returns the binding, unless it came before `oldestTs` */
  find(namespace: string, key: AppendKey, part: number, oldestTs: number): FirstCommit | undefined {
    const known = this.commits.get(nameOf(namespace, key, part))
    return known !== undefined && known.ts >= oldestTs ? known : undefined
  }

  /** Binds, unless `part` is the deciding 0 and there is a binding since `oldestTs`. @returns that binding */
  claim(
    namespace: string,
    key: AppendKey,
    part: number,
    commit: FirstCommit,
    oldestTs: number,
  ): FirstCommit | undefined {
    const name = nameOf(namespace, key, part)
    const known = this.commits.get(name)
    if (known !== undefined) {
      if (part === 0 && known.ts >= oldestTs) return known
      this.forget(name) // so that it takes its new place in the order
    }
    this.commits.set(name, commit)
    this.ackBytes += lengthOf(commit)
    return undefined
  }

  /** Keeps an ack that was known only afterwards, unless there is one. */
  saveAck(namespace: string, key: AppendKey, ack: string): void {
    const known = this.commits.get(nameOf(namespace, key, 0))
    if (known === undefined || known.ack !== undefined || known.fingerprint !== key.fingerprint) return
    known.ack = ack
    this.ackBytes += lengthOf(known)
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
    const known = this.commits.get(name)
    if (known === undefined) return
    this.ackBytes -= lengthOf(known)
    this.commits.delete(name)
  }

  private oldest(): [string, FirstCommit] | undefined {
    if (this.head !== undefined && this.commits.get(this.head[0]) === this.head[1]) return this.head
    let step = this.walk.next()
    if (step.done) {
      this.walk = this.commits.entries() // a finished iterator does not see what is added later
      step = this.walk.next()
    }
    this.head = step.done ? undefined : step.value
    return this.head
  }
}

function lengthOf({ ack }: FirstCommit): number {
  return ack?.length ?? 0
}

/** Lengths in front, so that no choice of scope and key can be read in two ways. */
function nameOf(namespace: string, key: AppendKey, part: number): string {
  return `${part} ${namespace.length} ${key.scope.length} ${namespace}${key.scope}${key.key}`
}
