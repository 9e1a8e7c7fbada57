/** Of several servers: those that did not say what they know. */

/** How many were asked, and how many answered; nothing with one server. */
export interface ServersReached {
  readonly asked: number
  readonly answered: number
}

export function silentOf(nodes: ServersReached | undefined): number {
  return nodes === undefined ? 0 : nodes.asked - nodes.answered
}

/** @returns a sentence for people; `''` when all have answered */
export function silence(silent: number): string {
  if (silent <= 0) return ''
  return silent === 1 ? 'One server didn’t answer.' : `${silent} servers didn’t answer.`
}
