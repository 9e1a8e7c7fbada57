/**
 * Which changes of a document a node has: all up to a number, and those beyond it that came early. Changes commute, so each
 * is taken when it comes; the numbers only show whether one is missing.
 */
export class Progress {
  /** Everything up to it is here. */
  v = 0
  /** Of the call that stored that change: the same number with another tag is of another log. */
  tag = ''
  private readonly early = new Map<number, string>()

  /** @returns false when changes before this one are missing */
  has(v: number, tag: string): boolean {
    if (v > this.v) this.early.set(v, tag)
    this.advance()
    return this.early.size === 0
  }

  /** Everything up to this change is here. */
  reached(v: number, tag: string): void {
    this.v = v
    this.tag = tag
    for (const each of this.early.keys()) if (each <= v) this.early.delete(each)
    this.advance()
  }

  get hasHole(): boolean {
    return this.early.size > 0
  }

  /** What came early was of a connection that is gone. */
  forgetEarly(): void {
    this.early.clear()
  }

  private advance(): void {
    for (let next = this.early.get(this.v + 1); next !== undefined; next = this.early.get(this.v + 1)) {
      this.early.delete(++this.v)
      this.tag = next
    }
  }
}
