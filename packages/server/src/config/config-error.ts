/**
 * A setting that is not valid. The message is a sentence for the operator.
 * @example
 * try {
 *   createRoomful({ outboxBytes: 10 })
 * } catch (error) {
 *   if (error instanceof ConfigError) console.error(error.message)
 * }
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** @returns the most similar of `words`; undefined when more than a third of the letters differ */
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

/** @returns ` Did you mean X?`, or an empty text */
export function didYouMean(written: string, words: readonly string[]): string {
  const word = nearest(written, words)
  return word === undefined ? '' : ` Did you mean ${word}?`
}

/** The Levenshtein distance of two words. */
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
