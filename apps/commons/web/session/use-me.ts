/** Who one is, for what a page shows to that person alone. It stays said while the connection is lost: one is still who one was. */
import { useConnection } from '@roomful/react'
import { useRef } from 'react'
import type { Account } from './session.ts'
import { useSession } from './session-gate.tsx'

export type Me = Pick<Account, 'sub' | 'name' | 'role'>

/** @returns what the server said last; before it said anything, what the session knows of somebody with an account */
export function useMe(): Me | undefined {
  const state = useConnection()
  const session = useSession()
  const told = useRef<Me>(undefined)
  if ('user' in state) told.current = state.user
  return told.current ?? (session?.kind === 'user' ? session.user : undefined)
}
