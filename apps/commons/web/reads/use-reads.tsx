/** The read marks of the person who is signed in, for every part of the page. */
import { useClient } from '@roomful/react'
import { createContext, type ReactElement, type ReactNode, use, useEffect, useMemo } from 'react'
import { useSession } from '../session/session-gate.tsx'
import { Reads } from './reads.ts'

const Context = createContext<Reads | undefined>(undefined)

/** Directly within the connection of the session. */
export function ReadsProvider({ children }: { children: ReactNode }): ReactElement {
  const client = useClient()
  const session = useSession()
  const person = session?.kind === 'user' ? session.user.sub : undefined
  const reads = useMemo(() => new Reads(client, person), [client, person])
  useEffect(() => reads.open(), [reads])
  return <Context value={reads}>{children}</Context>
}

/** For components that read marks themselves, so that a change does not render them again. */
export function useReadsStore(): Reads {
  const reads = use(Context)
  if (!reads) throw new Error('There is no <ReadsProvider> around this component')
  return reads
}
