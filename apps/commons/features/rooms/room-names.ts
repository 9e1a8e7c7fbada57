/** Which names a person may give a room, who may come in, and which names belong to other features. */

/** Rooms of `/public` whose id begins with this are for people with an account. */
export const MEMBERS_PREFIX = 'members:'
const MAX_BYTES = 128

/** What belongs to other features of Commons, by the name of its room there: a link to such a room leads to the feature. */
const FEATURES: readonly {
  readonly matches: RegExp
  readonly title: string
  readonly path: (rest: string) => string
}[] = [
  { matches: /^assistant$/, title: 'Assistant', path: () => '/assistant' },
  { matches: /^market$/, title: 'Market', path: () => '/market' },
  { matches: /^shop$/, title: 'Shop', path: () => '/shop' },
  { matches: /^lab$/, title: 'Transport lab', path: () => '/lab' },
  { matches: /^tasks$/, title: 'Tasks', path: () => '/tasks' },
  { matches: /^product:(.*)$/s, title: 'Shop', path: (id) => `/shop/p/${encodeURIComponent(id)}` },
  { matches: /^help:/, title: 'Shop', path: () => '/shop/help' },
  { matches: /^game:(.*)$/s, title: 'Games', path: (id) => `/games/${encodeURIComponent(id)}` },
  { matches: /^stage:(.*)$/s, title: 'Stage', path: (id) => `/stage/${encodeURIComponent(id)}` },
  { matches: /^document:(.*)$/s, title: 'Documents', path: (id) => `/documents/${encodeURIComponent(id)}` },
]

export interface FeatureRoom {
  /** Of its page. */
  readonly title: string
  readonly path: string
}

/** @returns the page of the feature that this room belongs to; nothing for a room that people talk in */
export function featureOf(roomId: string): FeatureRoom | undefined {
  for (const { matches, title, path } of FEATURES) {
    const found = matches.exec(roomId)
    if (found) return { title, path: path(found[1] ?? '') }
  }
  return undefined
}

export function isForMembers(roomId: string): boolean {
  return roomId.startsWith(MEMBERS_PREFIX)
}

/** As people see it. */
export function roomTitle(roomId: string): string {
  return isForMembers(roomId) ? roomId.slice(MEMBERS_PREFIX.length) : roomId
}

export function isForTalking(roomId: string): boolean {
  return featureOf(roomId) === undefined && !roomTitle(roomId).includes(':') && roomTitle(roomId) !== ''
}

/** @returns what is wrong with it, as a sentence */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'Enter a name'
  if (new TextEncoder().encode(MEMBERS_PREFIX + name).length > MAX_BYTES) return 'That name is too long'
  if (/[\p{Cc}{}:]/u.test(name)) return 'Names can’t contain colons or braces'
  return isForTalking(name) ? undefined : 'That name is reserved'
}

export function normalizeName(name: string): string {
  return name.normalize('NFC').trim().replace(/\s+/g, ' ')
}
