/** Everyone one can write to, with who is online; kept true by presence updates. C13. */
import { createHooks, useConnection } from '@roomful/react'
import { useEffect, useState } from 'react'
import type { directContract, Person } from './contract.ts'

const { useClient, useEvent } = createHooks<typeof directContract>()

/** @returns `undefined` until the first answer */
export function usePeople(): readonly Person[] | undefined {
  const client = useClient()
  const isOpen = useConnection().status === 'open'
  const [people, setPeople] = useState<readonly Person[]>()
  const [asked, setAsked] = useState(0)

  useEffect(() => {
    if (!isOpen || asked < 0) return
    client.request('people:list').then(
      ({ people: latest }) => setPeople(latest),
      () => undefined, // the list stays as it was; the connection says for itself how it is
    )
  }, [client, isOpen, asked])

  useEvent('presence:update', ({ userId, status }) => {
    // A person who was never here before is on no list yet.
    if (status === 'online' && !people?.some((person) => person.userId === userId)) setAsked((times) => times + 1)
    setPeople((list) =>
      list?.map((person) => {
        // Online or gone just now: until this moment everything has reached them.
        const seenAt = client.serverNow()
        return person.userId === userId ? { ...person, isOnline: status === 'online', seenAt } : person
      }),
    )
  })
  return people
}
