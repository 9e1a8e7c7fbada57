/** Ids that name the node which gave them out, so that any other node knows where a request belongs. */
import type { Random } from '../../../core/ports/system.ts'

/** Two billion of them: nodes are hundreds at most. */
const TAG_LENGTH = 6

export class NodeIds {
  /** Empty on a server that runs alone. */
  readonly tag: string
  private readonly random: Random

  /** @param isShared other nodes may have to know whose an id is */
  constructor(random: Random, isShared: boolean) {
    this.random = random
    this.tag = isShared ? random.id(TAG_LENGTH) : ''
  }

  /** An unguessable id of so many characters. */
  create(length: number): string {
    return this.tag + this.random.id(length - this.tag.length)
  }

  /** @returns the tag of another node that gave out this id, if it has the form of one */
  foreignTagOf(id: unknown): string | undefined {
    if (this.tag === '' || typeof id !== 'string' || id.length <= TAG_LENGTH || !/^[a-z0-9]+$/.test(id))
      return undefined
    const tag = id.slice(0, TAG_LENGTH)
    return tag === this.tag ? undefined : tag
  }
}
