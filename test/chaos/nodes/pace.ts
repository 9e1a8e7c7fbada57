/** Whether the machine keeps up: how late a timer of this process was, which competes with the nodes for the same cores. */
const EVERY_MS = 100

export class Pace {
  private readonly cancel: () => void
  private dueAt = performance.now() + EVERY_MS
  /** When it was late, and by how much, the latest last. */
  private readonly late: { readonly at: number; readonly ms: number }[] = []

  constructor() {
    const timer = setInterval(() => this.onTime(), EVERY_MS)
    this.cancel = () => clearInterval(timer)
  }

  /** How late it was in all within so long until now. */
  lateMs(withinMs: number): number {
    const now = performance.now()
    while (this.late[0] && this.late[0].at < now - withinMs) this.late.shift()
    return this.late.reduce((sum, { ms }) => sum + ms, Math.max(0, now - this.dueAt))
  }

  close(): void {
    this.cancel()
  }

  private onTime(): void {
    const now = performance.now()
    const ms = now - this.dueAt
    if (ms > EVERY_MS) this.late.push({ at: now, ms })
    this.dueAt = now + EVERY_MS
  }
}
