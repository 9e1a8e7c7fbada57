/** The same feed by short poll, long poll, SSE and WebSocket, with what each costs drawn as it happens. B12. */
import { FlaskConical, Play, Square } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { Chart } from '../../web/ui/chart.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import { LAB_TRANSPORTS, type LabTransport } from './lab-transports.ts'
import { type Cost, median, NO_COST } from './meter.ts'
import { type Measured, useMeasuring } from './use-measuring.ts'

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const kilobytes = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

export function Page(): ReactElement {
  const [isRunning, setRunning] = useState(false)
  const measured = useMeasuring(isRunning)
  const action = isRunning ? (
    <Button icon={Square} onClick={() => setRunning(false)}>
      Stop
    </Button>
  ) : (
    <Button tone="primary" icon={Play} onClick={() => setRunning(true)}>
      Start
    </Button>
  )
  return (
    <PageBody wide>
      <PageHeader title="Transport lab" description="One feed over four transports, compared." actions={action} />
      {measured ? (
        <Results measured={measured} />
      ) : (
        <Card>
          <EmptyState icon={FlaskConical} title="No measurements yet" action={action}>
            All four receive the same events. Compare how many requests each makes, how much data it uses, and how long
            events take to arrive.
          </EmptyState>
        </Card>
      )}
    </PageBody>
  )
}

function Results({ measured: { times, bytes, costs } }: { measured: Measured }): ReactElement {
  const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000
  return (
    <>
      <ul aria-label="Transports" className="grid grid-cols-1 gap-3 sm:grid-cols-2 xl:grid-cols-4">
        {LAB_TRANSPORTS.map((way, index) => (
          <li key={way.name}>
            <WayCard way={way} cost={costs[index] ?? NO_COST} seconds={seconds} />
          </li>
        ))}
      </ul>
      <Card className="mt-4 min-w-0 p-4 sm:p-5">
        <h2 className="mb-3 font-medium">Total bytes</h2>
        <Chart
          label={LAB_TRANSPORTS.map(
            ({ name }, index) => `${name}: ${whole.format(bytes[index]?.at(-1) ?? 0)} bytes`,
          ).join('; ')}
          times={times}
          lines={LAB_TRANSPORTS.map(({ name, colour }, index) => ({ label: name, colour, values: bytes[index] ?? [] }))}
          height={280}
          from={0}
          format={(value) => (value >= 1_000 ? `${kilobytes.format(value / 1_000)} KB` : whole.format(value))}
        />
      </Card>
      <p className="mt-4 max-w-3xl text-muted text-sm">
        Bodies and frames are measured exactly. A page can’t see HTTP headers, so each request is estimated at 480 bytes
        plus the token, and each response at 330 bytes. Delays run from the moment the server stored an event, by the
        server’s clock.
      </p>
    </>
  )
}

function WayCard({ way, cost, seconds }: { way: LabTransport; cost: Cost; seconds: number }): ReactElement {
  const { events, requests, bytes, delaysMs, error } = cost
  const delay = median(delaysMs)
  const facts = [
    ['Events', whole.format(events)],
    ['Requests', whole.format(requests)],
    ['Bytes', whole.format(bytes)],
    ['Bytes per minute', seconds >= 3 ? whole.format((bytes / seconds) * 60) : '…'],
    ['Median delay', delay === undefined ? '…' : `${whole.format(delay)} ms`],
  ] as const
  return (
    <Card className="flex h-full flex-col p-4">
      <h2 className="flex items-center gap-2 font-medium">
        <span aria-hidden className="size-3 rounded-full" style={{ background: `var(${way.colour})` }} />
        {way.name}
      </h2>
      <p className="mt-0.5 text-muted text-sm">{way.about}</p>
      <dl className="mt-auto grid grid-cols-[1fr_auto] gap-y-1 pt-3 text-sm">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="text-right font-medium tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
      {error !== undefined && <p className="mt-2 text-bad text-sm">{error}</p>}
    </Card>
  )
}
