/** Who comes without a token: a name of their own choosing, made unique while they are here, and an id that is nobody's. */
import { nameKey, salvageName } from '../base/names.ts'
import type { Random } from '../ports/random.ts'
import type { User } from '../ports/user.ts'
import type { NamespaceState } from '../state/namespace-state.ts'

/** As many names as one asks for before a number is taken from chance. */
const TRIES = 20

const PREFIX = 'guest:'

/** @returns true for the ids that guests get */
export function isGuestId(userId: string | undefined): boolean {
  return userId?.startsWith(PREFIX) === true
}

export function createGuest(namespace: NamespaceState, random: Random, wish: string | undefined): User {
  return { sub: `${PREFIX}${random.id(16)}`, name: uniqueName(namespace, random, wish), role: 'guest', guest: true }
}

export function renameGuest(namespace: NamespaceState, random: Random, guest: User, wish: string): User {
  return { ...guest, name: uniqueName(namespace, random, wish, guest.sub) }
}

function uniqueName(namespace: NamespaceState, random: Random, wish: string | undefined, self?: string): string {
  const wished = salvageName(wish ?? '')
  const base = wished ?? 'guest'
  const isFree = (name: string): boolean => {
    const holder = namespace.guestNames.get(nameKey(name))
    return holder === undefined || holder === self
  }
  if (wished !== undefined && isFree(base)) return base
  for (let number = 2; wished !== undefined && number < TRIES; number++)
    if (isFree(`${base}-${number}`)) return `${base}-${number}`
  return `${base}-${random.id(6)}`
}
