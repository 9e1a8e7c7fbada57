/** Which toasts are shown: equal ones once, never more than a few, none for ever, and none that was just closed by hand. */

export type Kind = 'info' | 'good' | 'bad'

export interface News {
  readonly title: string
  readonly description: string | undefined
  readonly kind: Kind
  /** Those about one thing are one, which shows the latest words: what a person writes, line by line. */
  readonly about?: string | undefined
  /** Address of a page of Commons that shows it. */
  readonly link?: string | undefined
}

export interface ToastsOptions {
  readonly limit: number
  /** Milliseconds, of any beginning. */
  readonly now: () => number
  readonly show: (news: News & { readonly id: string }) => void
  /** It was said again, maybe in other words, and stays a while longer. */
  readonly count: (id: string, count: number, news: News) => void
  readonly close: (id: string) => void
}

/** What is said again and again goes all the same, and comes back with a count of its own. */
export const STAYS_MAX_MS = 20_000
/** What a person closed is not said again that soon. */
export const QUIET_MS = 10_000

interface Known {
  readonly id: string
  readonly since: number
  count: number
}

export class Toasts {
  private readonly options: ToastsOptions
  /** By what they say, the oldest first. Bound: the limit. */
  private readonly shown = new Map<string, Known>()
  /** When each that was closed by hand was. Bound: those of the last {@link QUIET_MS}. */
  private readonly quiet = new Map<string, number>()
  private last = 0

  constructor(options: ToastsOptions) {
    this.options = options
  }

  add(news: News): void {
    const { limit, now, show, count, close } = this.options
    const key = JSON.stringify(news.about ?? [news.kind, news.title, news.description])
    const at = now()
    for (const [each, closedAt] of this.quiet) if (at - closedAt >= QUIET_MS) this.quiet.delete(each)
    if (this.quiet.has(key)) return
    const known = this.shown.get(key)
    if (known) {
      known.count++
      if (at - known.since < STAYS_MAX_MS) count(known.id, known.count, news)
      return
    }
    const [oldest] = this.shown
    if (this.shown.size >= limit && oldest) {
      this.shown.delete(oldest[0])
      close(oldest[1].id)
    }
    const id = `toast-${++this.last}`
    this.shown.set(key, { id, since: at, count: 1 })
    show({ ...news, id })
  }

  /** What it is about was seen elsewhere. */
  seen(about: string): void {
    const key = JSON.stringify(about)
    const known = this.shown.get(key)
    if (!known) return
    this.shown.delete(key)
    this.options.close(known.id)
  }

  /** By hand. */
  dismissed(id: string): void {
    const key = this.keyOf(id)
    if (key === undefined) return
    this.quiet.set(key, this.options.now())
    this.shown.delete(key)
  }

  /** It is off the screen, for whatever reason. */
  removed(id: string): void {
    const key = this.keyOf(id)
    if (key !== undefined) this.shown.delete(key)
  }

  private keyOf(id: string): string | undefined {
    for (const [key, known] of this.shown) if (known.id === id) return key
    return undefined
  }
}
