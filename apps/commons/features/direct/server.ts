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

  namespace.extend(directContract).on('people:list', () => {
    return {
      status: 'ok',
      people: store.list().map((known) => ({ ...known, isOnline: namespace.isOnline(known.userId) })),
    }
  })
}
