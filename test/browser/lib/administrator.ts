/** The first administrator, by the password that the terminal showed. */
import type { Commons } from './commons.ts'
import type { Person, PersonOptions } from './person.ts'

export async function administrator(commons: Commons, options: PersonOptions = {}): Promise<Person> {
  const [, password = ''] = /sign in as admin with the password (\S+)/.exec(commons.server.output) ?? []
  const response = await commons.server.post('/api/session', { username: 'admin', password })
  const { token } = (await response.json()) as { token: string }
  return commons.person('admin', { ...options, token })
}
