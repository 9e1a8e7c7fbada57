/**
 * Who uses this browser: an account with its token, or a guest with a name. Kept in `localStorage`, so that a reload and a
 * second tab know it too, and signing out in one tab signs out all.
 */

/** As the server tells it. */
export interface Account {
  readonly sub: string
  readonly name: string
  readonly role: string
}

export type Session =
  | { readonly kind: 'user'; readonly token: string; readonly user: Account }
  | { readonly kind: 'guest'; readonly name: string }

/** Ids of guests, which no account can have. */
export function isGuest(userId: string): boolean {
  return userId.startsWith('guest:')
}

const KEY = 'commons.session'

type Listener = () => void

const listeners = new Set<Listener>()
let current = read()
/** Why the last session ended, if the user did not end it. */
let farewell: string | undefined

globalThis.addEventListener('storage', ({ key }) => {
  if (key !== KEY && key !== null) return
  current = read()
  for (const listener of listeners) listener()
})

/** A store for `useSyncExternalStore`. */
export const session = {
  subscribe(listener: Listener): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },

  get: (): Session | undefined => current,

  token: (): string | undefined => (current?.kind === 'user' ? current.token : undefined),

  farewell: (): string | undefined => farewell,

  /** A session of another user, or of the same user with a new token. */
  begin(next: Session): void {
    farewell = undefined
    change(next)
  },

  /** What the server says by now of the person who is here. */
  learn({ sub, name, role }: Account): void {
    if (current?.kind !== 'user' || current.user.sub !== sub) return
    if (current.user.name !== name || current.user.role !== role) change({ ...current, user: { sub, name, role } })
  },

  /** @param why is shown at the door, when it was not the person's own wish */
  end(why?: string): void {
    farewell = why
    change(undefined)
  },
}

function change(next: Session | undefined): void {
  current = next
  try {
    if (next) localStorage.setItem(KEY, JSON.stringify(next))
    else localStorage.removeItem(KEY)
  } catch {
    // A browser that keeps nothing: it holds as long as this page does.
  }
  for (const listener of listeners) listener()
}

function read(): Session | undefined {
  try {
    const text = localStorage.getItem(KEY)
    const value: unknown = text === null ? undefined : JSON.parse(text)
    return isSession(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isSession(value: unknown): value is Session {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false
  if (value.kind === 'guest') return 'name' in value && typeof value.name === 'string'
  return value.kind === 'user' && 'token' in value && typeof value.token === 'string' && 'user' in value
}
