/**
 * Where a commit stands in a room: numbers and commits grow together, so it is found by halving. The same for both logs.
 */
export interface Numbered {
  /** Lowest number still readable; `seq + 1` when nothing is. */
  readonly first: number
  /** Latest number given. */
  readonly seq: number
  /** The commit of the number before `first`; 0 when that is the first of all. */
  readonly trimmedN: number
}

/**
 * @param n the commit
 * @param latest commit of the namespace: from there on nothing is missing, whatever was trimmed
 * @param commitOf the commit number of a readable event
 * @returns the last number stored up to `n`; below `first - 1` when that was trimmed and is not known
 */
export function seqAt(
  { first, seq, trimmedN }: Numbered,
  n: number,
  latest: number,
  commitOf: (seq: number) => number | undefined,
): number {
  if (n >= latest || seq === 0) return seq
  let low = first - 1
  let high = seq
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((commitOf(middle) ?? Number.POSITIVE_INFINITY) <= n) low = middle
    else high = middle - 1
  }
  return low >= first || n >= trimmedN ? low : first - 2
}
