/** How many people are online, guests and members, as the server counts them. B17. */
import { Users } from 'lucide-react'
import { createContext, type ReactElement, type ReactNode, use, useEffect, useState } from 'react'
import { useIsAway } from '../live/away.tsx'
import { usePublicClient } from '../session/public-connection.tsx'

const Count = createContext<number | undefined>(undefined)

/** Around everything that shows the number: the server sends it when it changes, and not again to a component that mounts later. */
export function PeopleCounter({ children }: { children: ReactNode }): ReactElement {
  const client = usePublicClient()
  const [count, setCount] = useState<number>()
  useEffect(() => client.on('users:count', ({ count: people }) => setCount(people)), [client])
  return <Count value={count}>{children}</Count>
}

export function PeopleCount(): ReactElement | null {
  const count = use(Count)
  // Offline, the number is not known.
  const isAway = useIsAway()
  if (count === undefined || isAway) return null
  const words = count === 1 ? 'Only you are online' : `${count} people online`
  return (
    <span title={words} className="inline-flex items-center gap-1.5 text-muted text-sm tabular-nums">
      <Users aria-hidden size={14} />
      <span aria-hidden>{count}</span>
      <span className="sr-only">{words}</span>
    </span>
  )
}
