/** The market: what each share is worth now, which way it goes, and one of them from near. B11. */
import clsx from 'clsx'
import { Minus, Pause, Play, TrendingDown, TrendingUp } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { useIsAway } from '../../web/live/away.tsx'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { Badge } from '../../web/ui/badge.tsx'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { Chart } from '../../web/ui/chart.tsx'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import { Sparkline } from '../../web/ui/sparkline.tsx'
import { useMediaQuery } from '../../web/ui/use-media-query.ts'
import { NO_SERIES, type Series, type Summary, summaryOf } from './prices.ts'
import { SYMBOLS, type TradedSymbol } from './symbols.ts'
import { usePrices } from './use-prices.ts'

const money = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const percent = new Intl.NumberFormat('en', { style: 'percent', minimumFractionDigits: 2, signDisplay: 'exceptZero' })
/** Points of a small line: two minutes. */
const SPARK_POINTS = 60

export function Page(): ReactElement {
  const [isPaused, setPaused] = useState(false)
  const [chosen, setChosen] = useState('ACRN')
  const { board, waiting } = usePrices(isPaused)
  const isAway = useIsAway()
  const shown = SYMBOLS.find(({ symbol }) => symbol === chosen)

  return (
    <PageBody wide>
      <PageHeader
        title="Market"
        description="Simulated stock ticker with no gaps: reconnect and you get every price you missed."
        actions={
          <>
            {isAway && <Badge tone="warn">Offline</Badge>}
            {isPaused && <Badge tone="warn">{waiting === 0 ? 'Paused' : `Paused · ${waiting} new`}</Badge>}
            <Button icon={isPaused ? Play : Pause} onClick={() => setPaused(!isPaused)}>
              {isPaused ? 'Resume' : 'Pause'}
            </Button>
          </>
        }
      />
      {board.size === 0 ? (
        <NotLoaded what="prices" error={undefined} onRetry={() => undefined} />
      ) : (
        <div className={clsx('grid gap-4 lg:grid-cols-[20rem_1fr]', isAway && 'grayscale')}>
          <ul aria-label="Stocks" className="grid grid-cols-1 gap-2 sm:grid-cols-2 lg:grid-cols-1">
            {SYMBOLS.map((traded) => (
              <li key={traded.symbol}>
                <Share
                  traded={traded}
                  series={board.get(traded.symbol) ?? NO_SERIES}
                  isChosen={traded.symbol === chosen}
                  onChoose={() => setChosen(traded.symbol)}
                />
              </li>
            ))}
          </ul>
          {shown && <Near traded={shown} series={board.get(shown.symbol) ?? NO_SERIES} />}
        </div>
      )}
    </PageBody>
  )
}

interface ShareProps {
  readonly traded: TradedSymbol
  readonly series: Series
  readonly isChosen: boolean
  readonly onChoose: () => void
}

function Share({ traded, series, isChosen, onChoose }: ShareProps): ReactElement {
  const summary = summaryOf(series)
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      onClick={onChoose}
      className={clsx(
        'flex w-full items-center gap-3 rounded-xl border bg-surface px-4 py-3 text-left shadow-card transition-colors hover:border-accent',
        isChosen ? 'border-accent ring-1 ring-accent' : 'border-line',
      )}
    >
      <span className="min-w-0 grow">
        <span className="block font-semibold">{traded.symbol}</span>
        <span className="block truncate text-muted text-sm">{traded.name}</span>
      </span>
      {summary && (
        <>
          <Sparkline
            values={series.prices.slice(-SPARK_POINTS)}
            className={clsx('h-8 w-16', summary.change < 0 ? 'text-bad' : 'text-good')}
          />
          <span className="w-20 shrink-0 text-right tabular-nums">
            <span className="block font-medium">{money.format(summary.price)}</span>
            <Change summary={summary} />
          </span>
        </>
      )}
    </button>
  )
}

/** An arrow as well as a colour, and a sign. */
function Change({ summary: { change } }: { summary: Summary }): ReactElement {
  const Arrow = change > 0 ? TrendingUp : change < 0 ? TrendingDown : Minus
  return (
    <span
      className={clsx(
        'inline-flex items-center gap-1 text-sm',
        change < 0 ? 'text-bad' : change > 0 ? 'text-good' : 'text-muted',
      )}
    >
      <Arrow aria-hidden size={13} />
      {percent.format(change)}
    </span>
  )
}

function Near({ traded, series }: { traded: TradedSymbol; series: Series }): ReactElement {
  const summary = summaryOf(series)
  const isNarrow = useMediaQuery('(max-width: 640px)')
  if (!summary) return <Card className="p-5 text-muted">No prices yet</Card>
  const facts = [
    ['Open', summary.open],
    ['Low', summary.low],
    ['High', summary.high],
  ] as const
  return (
    // On a phone it comes first, so that the chosen share is visible.
    <Card className="order-first min-w-0 p-4 sm:p-5 lg:order-none">
      <div className="mb-4 flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
        <div>
          <h2 className="font-semibold text-lg">{traded.name}</h2>
          <p className="text-muted text-sm">{traded.symbol}</p>
        </div>
        <div className="text-right tabular-nums">
          <p className="font-semibold text-2xl">{money.format(summary.price)}</p>
          <Change summary={summary} />
        </div>
      </div>
      <Chart
        label={`${traded.name}: ${series.prices.length} prices from ${money.format(summary.low)} to ${money.format(summary.high)}`}
        times={series.times}
        lines={[{ label: traded.symbol, colour: '--color-accent', values: series.prices }]}
        height={isNarrow ? 180 : 320}
        format={(value) => money.format(value)}
      />
      <dl className="mt-4 grid grid-cols-3 gap-4 border-line border-t pt-4">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt className="text-muted text-sm">{name}</dt>
            <dd className="font-medium tabular-nums">{money.format(value)}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}
