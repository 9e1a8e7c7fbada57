/** Finds the users that a message mentions by `@name`. Names may have spaces, so the longest existing name counts. */

/** People mentioned in one message who are notified; more is a broadcast, which rooms have no need of. */
const MENTIONED_MAX = 10
/** Words of a name. */
const WORDS_MAX = 5
/** A name is at most 64 characters as a reader counts, and 120 bytes. */
const LENGTH_MAX = 120

/** @param called ids of the people of a name. @returns each person once, in the order of the text */
export function mentionedIn(text: string, called: (name: string) => readonly string[]): string[] {
  const found = new Set<string>()
  // Within a word it is part of an address of mail.
  for (const { index } of text.matchAll(/(?<![\p{L}\p{N}_@.])@(?=\S)/gu)) {
    if (found.size >= MENTIONED_MAX) break
    for (const userId of longestName(text.slice(index + 1, index + 1 + LENGTH_MAX), called)) found.add(userId)
  }
  return [...found].slice(0, MENTIONED_MAX)
}

function longestName(rest: string, called: (name: string) => readonly string[]): readonly string[] {
  const line = rest.split('\n', 1)[0] ?? ''
  const words = line.split(/\s+/u).slice(0, WORDS_MAX)
  for (let count = words.length; count > 0; count--) {
    const name = words.slice(0, count).join(' ')
    for (const each of new Set([name, name.replace(/[\p{P}\p{S}]+$/u, ''), name.replace(/['’]s$/u, '')])) {
      const people = each === '' ? [] : called(each)
      if (people.length > 0) return people
    }
  }
  return []
}
