/** `roomful publish`: stores an event in a room of a running server. */
import { ConfigError } from '../config/config-error.ts'
import { type RemoteCommand, readRemote } from './api.ts'

export const PUBLISH_USAGE = 'publish <room> <event> [json]'

/** @throws ConfigError, RemoteError (rejects) */
export async function publish(command: RemoteCommand): Promise<void> {
  const { api, words, flags, asJson } = readRemote(command, PUBLISH_USAGE, ['key', 'user'])
  const [roomId, event, json] = words
  const data = json === undefined ? {} : { data: parse(json) }
  const { key, user: userId } = flags
  const given = { ...(key === undefined ? {} : { key }), ...(userId === undefined ? {} : { userId }) }
  const answer = await api.post('publish', { roomId, event, ...data, ...given })
  command.print(asJson ? JSON.stringify(answer) : `Stored as ${answer.id}, number ${answer.seq} of ${answer.roomId}.`)
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw new ConfigError(`The event's data must be JSON, such as '{"text":"hello"}', not ${json}.`)
  }
}
