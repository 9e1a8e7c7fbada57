/** What was taken back is gone, with all its wordings; and nothing else is. M10. */
import type { LoggedRoom } from './check.ts'
import type { Place, Said } from './said.ts'

/** @param stored where each key is in the log */
export function checkTakenBack(
  said: ReadonlyMap<string, Said>,
  stored: ReadonlyMap<string, readonly Place[]>,
  log: ReadonlyMap<string, LoggedRoom>,
): string[] {
  const wrong: string[] = []
  const asked = new Set<string>()
  for (const [key, { who, rooms, takesBack, answer, isExcused }] of said) {
    const [name] = rooms as [string]
    if (takesBack === undefined) continue
    for (const seq of [takesBack, ...wordingsOf(said, stored, name, takesBack)]) {
      asked.add(`${name}#${seq}`)
      const { emptied, first = 0 } = log.get(name) ?? {}
      const isGone = emptied === undefined || emptied.has(seq) || seq < first
      if (answer && !isExcused && !isGone) wrong.push(`${who} took ${name}#${seq} back with ${key}, and it can be read`)
    }
  }
  for (const [name, { emptied = [] }] of log) {
    for (const seq of emptied)
      if (!asked.has(`${name}#${seq}`)) wrong.push(`${name}#${seq} is gone, and nobody took it back`)
  }
  return wrong
}

function wordingsOf(
  said: ReadonlyMap<string, Said>,
  stored: ReadonlyMap<string, readonly Place[]>,
  name: string,
  target: number,
): number[] {
  const seqs: number[] = []
  for (const [key, { rooms, revises }] of said) {
    if (revises === target && rooms[0] === name) seqs.push(...(stored.get(key) ?? []).map(({ seq }) => seq))
  }
  return seqs
}
