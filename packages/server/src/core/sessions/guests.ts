/** Guests: users without a token. They choose a name, which is made unique while they are connected, and get a random id. */
import { nameKey, salvageName } from '../base/names.ts'
import type { Random } from '../ports/system.ts'
import type { User } from '../ports/users.ts'
import type { NamespaceState } from '../state/namespace-state.ts'

/** Numbers up to this are tried before a random suffix. */
const NUMBERED_TRIES = 20

const PREFIX = 'guest:'

/** @returns true for the ids that guests get */
export function isGuestId(userId: string | undefined): boolean {
  return userId?.startsWith(PREFIX) === true
}

export function createGuest(namespace: NamespaceState, random: Random, requested: string | undefined): User {
  return {
    sub: `${PREFIX}${random.id(16)}`,
    name: uniqueName(namespace, random, requested),
    role: 'guest',
    guest: true,
  }
}

export function renameGuest(namespace: NamespaceState, random: Random, guest: User, requested: string): User {
  return { ...guest, name: uniqueName(namespace, random, requested, guest.sub) }
}

function uniqueName(namespace: NamespaceState, random: Random, requested: string | undefined, self?: string): string {
  const wanted = salvageName(requested ?? '')
  const base = wanted ?? 'guest'
  const isFree = (name: string): boolean => {
    const holder = namespace.guestNames.get(nameKey(name))
    return holder === undefined || holder === self
  }
  if (wanted !== undefined && isFree(base)) return base
  for (let number = 2; wanted !== undefined && number < NUMBERED_TRIES; number++)
    if (isFree(`${base}-${number}`)) return `${base}-${number}`
  return `${base}-${random.id(6)}`
}
