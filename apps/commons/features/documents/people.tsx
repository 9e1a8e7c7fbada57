/** Who has a document open, as overlapping circles; in words for who listens. */
import type { ReactElement } from 'react'
import { Avatar } from '../../web/ui/avatar.tsx'

const SHOWN = 5

export interface PeopleProps {
  readonly people: readonly { readonly userId: string; readonly name: string }[]
  /** What they are doing: `Here: Ann, Ben`. */
  readonly label: string
}

export function People({ people, label }: PeopleProps): ReactElement | null {
  const each = [...new Map(people.map((person) => [person.userId, person])).values()]
  if (each.length === 0) return null
  const names = each.map(({ name }) => name).join(', ')
  return (
    <span className="flex shrink-0 items-center" title={`${label}: ${names}`}>
      <span className="sr-only">{`${label}: ${names}`}</span>
      {each.slice(0, SHOWN).map(({ userId, name }) => (
        <span key={userId} className="-ml-1.5 rounded-full ring-2 ring-surface first:ml-0">
          <Avatar id={userId} name={name} size="small" />
        </span>
      ))}
      {each.length > SHOWN && <span className="ml-1.5 text-muted text-xs">{`+${each.length - SHOWN}`}</span>}
    </span>
  )
}
