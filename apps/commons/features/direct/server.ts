/** The people one can write to. The messages themselves are the server's own private messages. B23. */
import type { User } from '@roomful/server'
import type { Commons } from '../../commons.ts'
import { directContract } from './contract.ts'
import { PeopleStore } from './store.ts'

export function addDirect({ server, database, clock }: Commons): void {
  const namespace = server.get('/')
  const store = new PeopleStore(database)

  const saw = ({ user }: { user: User }): void => {
    if (!user.guest) store.saw({ userId: user.sub, name: user.name }, clock.now())
  }
  namespace.hook('connect', saw)
  namespace.hook('disconnect', saw)

  namespace.extend(directContract).on('people:list', async () => {
    const people = store.list()
    const online = await namespace.onlineUsers(people.map(({ userId }) => userId))
    return { status: 'ok', people: people.map((known) => ({ ...known, isOnline: online.has(known.userId) })) }
  })
}
