/** How many people are here right now, as the server counts them. B17. */
import { useClient } from '@roomful/react'
import { Users } from 'lucide-react'
import { createContext, type ReactElement, type ReactNode, use, useEffect, useState } from 'react'
import { useIsAway } from '../live/away.tsx'

const Count = createContext<number | undefined>(undefined)

/** Around everything that shows the number: the server tells it when it changes, and not again to who comes later. */
export function PeopleCounter({ children }: { children: ReactNode }): ReactElement {
  const client = useClient()
  const [count, setCount] = useState<number>()
  useEffect(() => client.on('users:count', ({ count: told }) => setCount(told)), [client])
  return <Count value={count}>{children}</Count>
}

export function PeopleCount(): ReactElement | null {
  const count = use(Count)
  // Nobody tells who is not here.
  const isAway = useIsAway()
  if (count === undefined || isAway) return null
  const words = count === 1 ? 'Only you are here' : `${count} people are here`
  return (
    <span title={words} className="inline-flex items-center gap-1.5 text-muted text-sm tabular-nums">
      <Users aria-hidden size={14} />
      <span aria-hidden>{count}</span>
      <span className="sr-only">{words}</span>
    </span>
  )
}
