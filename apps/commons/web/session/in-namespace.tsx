/** Gives what is inside a connection of its own to another namespace, as the same person. */
import { RoomfulProvider } from '@roomful/react'
import { type ReactElement, type ReactNode, useMemo } from 'react'
import { clientOptions, useSession } from './session-gate.tsx'

export function InNamespace({ name, children }: { name: string; children: ReactNode }): ReactElement | null {
  const current = useSession()
  const options = useMemo(() => current && { ...clientOptions(current), namespace: name }, [current, name])
  if (!options) return null
  return (
    <RoomfulProvider url={location.origin} options={options}>
      {children}
    </RoomfulProvider>
  )
}
