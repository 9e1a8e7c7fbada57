/** Processor, memory, lateness, connections and rates over the last hour. */
import { useClient } from '@roomful/react'
import { Activity } from 'lucide-react'
import { type ReactElement, useEffect } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Card } from '../../web/ui/card.tsx'
import { Chart } from '../../web/ui/chart.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import type { inspectorContract, Stats } from './contract.ts'

const KEPT = 360
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const fine = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const MIB = 1024 * 1024

interface Figure {
  readonly title: string
  readonly value: (stats: Stats) => number
  readonly format: (value: number) => string
}

const FIGURES: readonly Figure[] = [
  { title: 'CPU', value: ({ cpu }) => cpu * 100, format: (value) => `${fine.format(value)} %` },
  { title: 'Memory', value: ({ memory }) => memory.rssBytes / MIB, format: (value) => `${whole.format(value)} MiB` },
  { title: 'Event loop delay', value: ({ lagMs }) => lagMs, format: (value) => `${fine.format(value)} ms` },
  { title: 'Connections', value: ({ connections }) => connections, format: whole.format },
  { title: 'Requests per second', value: ({ rates }) => rates.requests, format: fine.format },
  { title: 'Deliveries per second', value: ({ rates }) => rates.deliveries, format: fine.format },
]

export function LoadView(): ReactElement {
  const client = useClient<typeof inspectorContract>()
  const {
    data: history,
    error,
    change,
    reload,
  } = useLoaded<readonly Stats[]>(async () => (await client.request('stats:history')).stats)
  useEffect(() => client.on('stats:update', (stats) => change((all) => [...all, stats].slice(-KEPT))), [client, change])
  if (!history) return <NotLoaded what="metrics" error={error} onRetry={reload} />
  const latest = history.at(-1)
  if (!latest) {
    return (
      <Card>
        <EmptyState icon={Activity} title="The server just started">
          Metrics are collected every ten seconds.
        </EmptyState>
      </Card>
    )
  }
  const times = history.map(({ at }) => at)
  return (
    <>
      <Counts stats={latest} />
      <ul aria-label="Load" className="grid grid-cols-[minmax(0,1fr)] gap-4 md:grid-cols-2 xl:grid-cols-3">
        {FIGURES.map(({ title, value, format }) => (
          <li key={title}>
            <Card className="p-4">
              <h2 className="flex items-baseline justify-between gap-4">
                <span className="text-muted text-sm">{title}</span>
                <span className="font-semibold text-lg tabular-nums">{format(value(latest))}</span>
              </h2>
              <Chart
                label={`${title}: ${format(value(latest))} now, ${format(Math.max(...history.map(value)))} at most`}
                times={times}
                lines={[{ label: title, colour: '--color-accent', values: history.map(value) }]}
                height={150}
                from={0}
                format={format}
              />
            </Card>
          </li>
        ))}
      </ul>
    </>
  )
}

/** What is counted, and what as: the same words and numbers as everywhere else that counts it. */
function Counts({ stats }: { stats: Stats }): ReactElement {
  const counts = [
    ['People', stats.users, 'Online now, guests included. Counted once each, however many connections they have.'],
    ['Connections', stats.connections, 'One for each namespace that a tab or client is in.'],
    ['Links', stats.links, 'Sockets, streams and polls. One link can carry several connections.'],
    ['Rooms', stats.rooms, 'With someone in them. Personal inboxes aren’t counted.'],
  ] as const
  return (
    <dl aria-label="Online now" className="mb-4 grid grid-cols-2 gap-4 lg:grid-cols-4">
      {counts.map(([name, count, meaning]) => (
        <Card key={name} className="p-4">
          <dt className="text-muted text-sm">{name}</dt>
          <dd className="font-semibold text-lg tabular-nums">{whole.format(count)}</dd>
          <dd className="mt-1 text-muted text-xs">{meaning}</dd>
        </Card>
      ))}
    </dl>
  )
}
