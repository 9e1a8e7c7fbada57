/** Who comes without a token: a name of their own choosing, made unique while they are here, and an id that is nobody's. */
import type { Namespace } from './namespace.ts'
import type { Random } from './ports/random.ts'
import type { User } from './user.ts'

const GUEST_NAME_MAX = 64
/** As many names as one asks for before a number is taken from chance. */
const TRIES = 20

// What would break a line, hide, or turn the direction of a list of names.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const PREFIX = 'guest:'

/** @returns true for the ids that guests get */
export function isGuestId(userId: string | undefined): boolean {
  return userId?.startsWith(PREFIX) === true
}

export function createGuest(namespace: Namespace, random: Random, wish: string | undefined): User {
  return { sub: `${PREFIX}${random.id(16)}`, name: uniqueName(namespace, random, wish), role: 'guest', guest: true }
}

export function renameGuest(namespace: Namespace, random: Random, guest: User, wish: string): User {
  return { ...guest, name: uniqueName(namespace, random, wish, guest.sub) }
}

function uniqueName(namespace: Namespace, random: Random, wish: string | undefined, self?: string): string {
  const wished = (wish ?? '').normalize('NFC').replace(UNPRINTABLE, '').trim().slice(0, GUEST_NAME_MAX)
  const base = wished === '' ? 'guest' : wished
  const names = namespace.guestNames
  const isFree = (name: string): boolean => names.get(name) === undefined || names.get(name) === self
  if (wished !== '' && isFree(base)) return base
  for (let number = 2; wished !== '' && number < TRIES; number++)
    if (isFree(`${base}-${number}`)) return `${base}-${number}`
  return `${base}-${random.id(6)}`
}
