/** The answer to a question about an event: one sentence about the person, and below it each of their connections. */
import clsx from 'clsx'
import { CircleCheck, CircleHelp, CircleX, Clock, type LucideIcon, ScrollText } from 'lucide-react'
import type { ReactElement } from 'react'
import { Badge } from '../../web/ui/badge.tsx'
import { Button } from '../../web/ui/button.tsx'
import type { Explanation, Verdict } from './contract.ts'
import { exactTime } from './exact-time.ts'
import type { Question } from './inspection.ts'
import { silence, silentOf } from './silent-servers.ts'

/** It has the event. */
const GOOD = ['TOLD', 'REPLAYED']
const LOOKS: Readonly<Record<Explanation['answer']['delivered'], { icon: LucideIcon; colour: string }>> = {
  yes: { icon: CircleCheck, colour: 'text-good' },
  waiting: { icon: Clock, colour: 'text-warn' },
  no: { icon: CircleX, colour: 'text-bad' },
  unknown: { icon: CircleHelp, colour: 'text-muted' },
}

interface AnswerProps {
  readonly question: Question
  readonly explanation: Explanation
  /** The name of a user, or the id where none is known. */
  readonly nameOf: (userId: string) => string
  readonly onOpen: (connectionId: string) => void
}

export function Answer({
  question: { roomId, seq },
  explanation: { answer, event, verdicts, nodes },
  nameOf,
  onOpen,
}: AnswerProps): ReactElement {
  const { icon: Icon, colour } = LOOKS[answer.delivered]
  return (
    <div className="text-sm">
      <div className="flex items-start gap-3 p-4">
        <Icon aria-hidden size={20} className={clsx('mt-0.5 shrink-0', colour)} />
        <div className="min-w-0">
          <h2 className="break-words font-semibold text-base">{answer.message}</h2>
          <p className="mt-1 break-words text-muted">
            Event {seq} in <bdi>{roomId}</bdi>
            {event && (
              <>
                : {event.type}
                {event.userId !== null && (
                  <>
                    {' by '}
                    <bdi>{nameOf(event.userId)}</bdi>
                  </>
                )}
                , {exactTime.format(event.ts)}
                {event.redacted && ', deleted since'}
              </>
            )}
          </p>
          {silentOf(nodes) > 0 && <p className="mt-1 text-muted">{silence(silentOf(nodes))}</p>}
        </div>
      </div>
      <details className="border-line border-t">
        <summary className="cursor-pointer px-4 py-3 font-medium hover:bg-ink/4">
          {verdicts.length === 1 ? 'Details' : `Details (${verdicts.length})`}
        </summary>
        <ul aria-label="Details">
          {verdicts.map((verdict) => (
            <VerdictRow key={verdict.connectionId ?? verdict.code} verdict={verdict} onOpen={onOpen} />
          ))}
        </ul>
      </details>
    </div>
  )
}

function VerdictRow({ verdict, onOpen }: { verdict: Verdict; onOpen: (connectionId: string) => void }): ReactElement {
  const { connectionId, code, message } = verdict
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-t px-4 py-3">
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
          aria-label={`History of ${connectionId}`}
          onClick={() => onOpen(connectionId)}
        >
          History
        </Button>
      )}
    </li>
  )
}
