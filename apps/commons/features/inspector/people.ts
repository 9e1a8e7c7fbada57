/** Users by name and by id, as far as connections tell of them. */

interface Known {
  readonly userId: string
  readonly name: string
}

export interface People {
  readonly names: readonly string[]
  /** Ids of the users who are called so, in whatever case; none when it is no name. */
  idsOf(name: string): readonly string[]
  /** The id itself where no name is known. */
  nameOf(userId: string): string
}

export function peopleOf(known: readonly Known[]): People {
  const names = new Map<string, string>()
  for (const { userId, name } of known) if (!names.has(userId)) names.set(userId, name)
  return {
    names: [...new Set(names.values())].sort(),
    idsOf(wanted) {
      if (names.has(wanted)) return [wanted] // an id is no other user's name
      const lower = wanted.toLowerCase()
      return [...names].filter(([, name]) => name.toLowerCase() === lower).map(([userId]) => userId)
    },
    nameOf: (userId) => names.get(userId) ?? userId,
  }
}
