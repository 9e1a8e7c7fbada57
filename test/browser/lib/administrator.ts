/** The first administrator, by the password that the terminal showed. */
import type { Commons } from './commons.ts'
import type { Person, PersonOptions } from './person.ts'

export async function administrator(commons: Commons, options: PersonOptions = {}): Promise<Person> {
  return await commons.person('admin', { ...options, password: adminPassword(commons) })
}

export function adminPassword({ server }: Commons): string {
  const [, password = ''] = /sign in as admin with the password (\S+)/.exec(server.output) ?? []
  return password
}
