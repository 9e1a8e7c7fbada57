/** How deliveries to the backend are going, the latest of them, and sending the last hour or day again. */
import { RoomfulError } from '@roomful/client'
import { useClient } from '@roomful/react'
import { RotateCcw, Webhook } from 'lucide-react'
import { type ReactElement, useEffect } from 'react'
import { Ago } from '../../web/live/ago.tsx'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Badge } from '../../web/ui/badge.tsx'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { toast, toastError } from '../../web/ui/toast.tsx'
import { readWebhooks, tell, type WebhookDelivery, type Webhooks } from './inspection.ts'

const LOOK_MS = 5_000
const HOUR_MS = 3_600_000
const TONES = { delivered: 'soft', failed: 'warn', rejected: 'bad' } as const
const OUTCOMES = { delivered: 'Delivered', failed: 'Failed', rejected: 'Refused' } as const

export function WebhooksView(): ReactElement {
  const client = useClient()
  const { data, error, reload } = useLoaded<Webhooks | 'off'>(() =>
    readWebhooks().catch((refused: unknown) => {
      if (refused instanceof RoomfulError && refused.code === 'NOT_FOUND') return 'off' as const
      throw refused
    }),
  )
  useEffect(() => {
    const timer = setInterval(reload, LOOK_MS)
    return () => clearInterval(timer)
  }, [reload])
  if (!data) return <NotLoaded what="webhooks" error={error} onRetry={reload} />
  if (data === 'off') {
    return (
      <EmptyState icon={Webhook} title="No webhooks">
        Set ROOMFUL_WEBHOOK_URL to send what happens here to your backend.
      </EmptyState>
    )
  }
  const now = client.serverNow()
  const replay = (ms: number): void => {
    tell('webhooks/replay', { since: Math.floor(client.serverNow() - ms) }).then(
      () => toast('Sending again', undefined, 'good'),
      (refused: unknown) => toastError('Couldn’t send again', refused),
    )
  }
  return (
    <>
      <Summary webhooks={data} now={now} />
      <div className="mb-3 flex flex-wrap gap-2">
        <Button icon={RotateCcw} onClick={() => replay(HOUR_MS)}>
          Send the last hour again
        </Button>
        <Button icon={RotateCcw} onClick={() => replay(24 * HOUR_MS)}>
          Send the last day again
        </Button>
      </div>
      <Card className="overflow-hidden">
        {data.recent.length === 0 && <EmptyState icon={Webhook} title="No deliveries yet" />}
        <ul aria-label="Deliveries">
          {data.recent.map((delivery) => (
            <Row key={`${delivery.id} ${delivery.at}`} delivery={delivery} now={now} />
          ))}
        </ul>
      </Card>
    </>
  )
}

function Summary({ webhooks, now }: { webhooks: Webhooks; now: number }): ReactElement {
  const { url, pending, delivered, lost, rejected, failure } = webhooks
  const counts = [
    ['Waiting', pending],
    ['Delivered', delivered],
    ['Refused', rejected],
    ['Lost', lost],
  ] as const
  return (
    <Card className="mb-3 p-4 text-sm">
      <p className="break-all font-medium">{url}</p>
      <dl className="mt-2 flex flex-wrap gap-x-6 gap-y-1">
        {counts.map(([name, count]) => (
          <div key={name} className="flex gap-2">
            <dt className="text-muted">{name}</dt>
            <dd className="tabular-nums">{count}</dd>
          </div>
        ))}
      </dl>
      {failure && (
        <p role="status" className="mt-2 text-bad">
          Not delivered since <Ago at={failure.since} now={now} />: the receiver {failure.reason}. Everything is kept
          and tried again.
        </p>
      )}
    </Card>
  )
}

function Row({ delivery, now }: { delivery: WebhookDelivery; now: number }): ReactElement {
  const { at, namespace, events, types, outcome, reason, durationMs } = delivery
  return (
    <li className="flex items-center gap-3 border-line border-b px-4 py-2.5 text-sm last:border-b-0">
      <Badge tone={TONES[outcome]}>{OUTCOMES[outcome]}</Badge>
      <div className="min-w-0 grow">
        <p className="break-words">
          {events === 1 ? '1 event' : `${events} events`} in {namespace}: {types.join(', ')}
        </p>
        <p className="mt-0.5 text-muted">
          <Ago at={at} now={now} /> · {Math.round(durationMs)} ms{reason !== '' && ` · ${reason}`}
        </p>
      </div>
    </li>
  )
}
