/** What a page shows before it has anything to show: that it loads, that there is no connection yet, or what went wrong. */
import type { RoomfulError } from '@roomful/client'
import { CloudOff, RefreshCw, TriangleAlert } from 'lucide-react'
import type { ReactElement } from 'react'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { sentenceOf } from '../ui/error-sentence.ts'
import { Loading } from '../ui/spinner.tsx'
import { useIsAway } from './away.tsx'

/** Nothing was changed that could have gone through in part. */
const UNREACHABLE = 'Can’t reach the server. Check your connection and try again.'

export interface NotLoadedProps {
  /** What is waited for: "the tasks". */
  readonly what: string
  readonly error: RoomfulError | undefined
  readonly onRetry: () => void
}

export function NotLoaded({ what, error, onRetry }: NotLoadedProps): ReactElement {
  if (useIsAway()) {
    return (
      <EmptyState icon={CloudOff} title="You’re offline">
        {`We’ll load ${what} when you reconnect.`}
      </EmptyState>
    )
  }
  if (!error) return <Loading what={`Loading ${what}…`} />
  const action = (
    <Button icon={RefreshCw} onClick={onRetry}>
      Try again
    </Button>
  )
  return (
    <EmptyState icon={TriangleAlert} title={`Couldn’t load ${what}`} action={action}>
      {error.code === 'DISCONNECTED' ? UNREACHABLE : sentenceOf(error)}
    </EmptyState>
  )
}
