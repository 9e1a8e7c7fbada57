/** The answer to a question about an event: what the event is, and a verdict for each connection that is remembered. */
import { ScrollText } from 'lucide-react'
import type { ReactElement } from 'react'
import { Badge } from '../../web/ui/badge.tsx'
import { Button } from '../../web/ui/button.tsx'
import type { Explanation, Verdict } from './contract.ts'
import { exactTime } from './exact-time.ts'
import type { Question } from './inspection.ts'

/** It has the event. */
const GOOD = ['TOLD', 'REPLAYED']

interface AnswerProps {
  readonly question: Question
  readonly explanation: Explanation
  /** The name of a user, or the id where none is known. */
  readonly nameOf: (userId: string) => string
  readonly onOpen: (connectionId: string) => void
}

export function Answer({
  question: { roomId, seq },
  explanation: { event, verdicts },
  nameOf,
  onOpen,
}: AnswerProps): ReactElement {
  return (
    <>
      <h2 className="border-line border-b px-4 py-3 text-sm">
        <span className="font-semibold">
          Event {seq} of <bdi>{roomId}</bdi>
        </span>
        {event && (
          <span className="text-muted">
            : {event.type}
            {event.userId !== null && (
              <>
                {' by '}
                <bdi>{nameOf(event.userId)}</bdi>
              </>
            )}
            , {exactTime.format(event.ts)}
            {event.redacted && ', taken back since'}
          </span>
        )}
      </h2>
      <ul aria-label="Verdicts">
        {verdicts.map((verdict) => (
          <VerdictRow key={verdict.connectionId ?? verdict.code} verdict={verdict} onOpen={onOpen} />
        ))}
      </ul>
    </>
  )
}

function VerdictRow({ verdict, onOpen }: { verdict: Verdict; onOpen: (connectionId: string) => void }): ReactElement {
  const { connectionId, code, message } = verdict
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b px-4 py-3 text-sm last:border-b-0">
      <div className="min-w-0 grow basis-72">
        <p className="break-words">
          <Badge tone={GOOD.includes(code) ? 'soft' : 'warn'}>{code}</Badge> {message}.
        </p>
        {connectionId !== undefined && <p className="mt-1 break-all font-mono text-muted text-xs">{connectionId}</p>}
      </div>
      {connectionId !== undefined && (
        <Button
          size="small"
          icon={ScrollText}
          aria-label={`Story of ${connectionId}`}
          onClick={() => onOpen(connectionId)}
        >
          Story
        </Button>
      )}
    </li>
  )
}
