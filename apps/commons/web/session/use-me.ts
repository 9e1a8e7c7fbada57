/** Who one is, for what a page shows to that person alone. It stays said while the connection is lost: one is still who one was. */
import { useConnection } from '@roomful/react'
import { useRef } from 'react'
import type { Account } from './session.ts'
import { useSession } from './session-gate.tsx'

export type Me = Pick<Account, 'sub' | 'name' | 'role'>

/** @returns the user as the server last sent it; before that, the account of the session */
export function useMe(): Me | undefined {
  const state = useConnection()
  const session = useSession()
  const latest = useRef<Me>(undefined)
  if ('user' in state) latest.current = state.user
  return latest.current ?? (session?.kind === 'user' ? session.user : undefined)
}
