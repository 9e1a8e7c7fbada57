/** What was written and not sent yet, by person and place: kept in this browser, so that a reload loses nothing. */
import type { Session } from '../session/session.ts'

/** More are not kept; the one that did not change for longest makes room. */
const DRAFTS_MAX = 50

export interface Drafts {
  /** @returns `''` when there is none */
  get(key: string): string
  /** @param text `''` forgets it */
  set(key: string, text: string): void
}

export function draftsOf(session: Session | undefined): Drafts {
  const storageKey = `commons.drafts.${session?.kind === 'user' ? session.user.sub : 'guest'}`
  return {
    get: (key) => read(storageKey).find(([each]) => each === key)?.[1] ?? '',
    set(key, text) {
      const others = read(storageKey).filter(([each]) => each !== key)
      write(storageKey, text === '' ? others : [...others, [key, text] as const].slice(-DRAFTS_MAX))
    },
  }
}

type Entry = readonly [key: string, text: string]

/** Oldest first. Where the browser keeps nothing, as long as this page does. */
const unkept = new Map<string, readonly Entry[]>()

function read(storageKey: string): readonly Entry[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]')
    return unkept.get(storageKey) ?? (Array.isArray(kept) ? kept : [])
  } catch {
    return unkept.get(storageKey) ?? []
  }
}

function write(storageKey: string, entries: readonly Entry[]): void {
  try {
    if (entries.length === 0) localStorage.removeItem(storageKey)
    else localStorage.setItem(storageKey, JSON.stringify(entries))
    unkept.delete(storageKey)
  } catch {
    unkept.set(storageKey, entries)
  }
}
