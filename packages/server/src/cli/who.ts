/** `roomful who`: who is in a room of a running server. */
import { type RemoteCommand, readRemote } from './api.ts'

export const WHO_USAGE = 'who <room>'

interface Page {
  readonly users: readonly { readonly userId: string; readonly name: string; readonly status: string }[]
  readonly count: number
  readonly more: boolean
}

/** @throws ConfigError, RemoteError (rejects) */
export async function who(command: RemoteCommand): Promise<void> {
  const { api, words, asJson } = readRemote(command, WHO_USAGE, [])
  const roomId = words[0] as string
  let after = ''
  for (;;) {
    const query = after === '' ? {} : { after }
    const page = (await api.get(`rooms/${encodeURIComponent(roomId)}/users`, query)) as unknown as Page
    if (!asJson && after === '')
      command.print(page.count === 1 ? `1 user in ${roomId}` : `${page.count} users in ${roomId}`)
    for (const user of page.users) {
      command.print(asJson ? JSON.stringify(user) : `  ${user.userId}  ${user.name}  ${user.status}`)
    }
    after = page.users.at(-1)?.userId ?? ''
    if (!page.more || after === '') return
  }
}
