/** `roomful explain`: why a client did, or did not, see an event. D8. */
import type { Explanation } from '../adapters/http/explain.ts'
import { type RemoteCommand, readNumber, readRemote } from './api.ts'

export const EXPLAIN_USAGE = 'explain <connection|user> <room> <number>'

/** @throws ConfigError, RemoteError (rejects) */
export async function explain(command: RemoteCommand): Promise<void> {
  const { api, words, asJson } = readRemote(command, EXPLAIN_USAGE, [])
  const [who, roomId, number = ''] = words
  const seq = readNumber('The number of the event', number, 1)
  const answer = (await api.get('explain', { who, roomId, seq })) as unknown as Explanation
  if (asJson) return command.print(JSON.stringify(answer))
  const { answer: summary, event, verdicts } = answer
  command.print(summary.message)
  if (event) {
    const by = event.userId === null ? '' : ` by ${event.userId}`
    const state = event.redacted ? ', taken back since' : ''
    command.print(`Event ${seq} of ${roomId}: ${event.type}${by}, ${new Date(event.ts).toISOString()}${state}`)
  }
  for (const { connectionId, code, message } of verdicts) {
    command.print(`  ${connectionId === undefined ? '' : `${connectionId}  `}${code}  ${message}.`)
  }
}
