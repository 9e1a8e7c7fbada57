/** A setting that cannot be right. The message is a sentence for whoever starts the server; no stack is needed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** The word that someone may have meant. */

/** @returns the nearest of `words`, unless all of them are further away than a third of what was written */
function nearest(written: string, words: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(written.length / 3)) + 1
  for (const word of words) {
    const distance = editDistance(written, word)
    if (distance >= bestDistance) continue
    best = word
    bestDistance = distance
  }
  return best
}

/** @returns ` Did you mean X?`, or nothing */
export function didYouMean(written: string, words: readonly string[]): string {
  const word = nearest(written, words)
  return word === undefined ? '' : ` Did you mean ${word}?`
}

/** How many letters must be added, dropped or changed to make one of the other (Levenshtein), row by row. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
