/** Where a parcel is on its way, as steps. */
import clsx from 'clsx'
import { Check, CircleX } from 'lucide-react'
import type { ReactElement } from 'react'
import type { Order, OrderStatus } from './contract.ts'

const STEPS: readonly OrderStatus[] = ['placed', 'packed', 'shipped', 'delivered']
const WORDS: Readonly<Record<OrderStatus, string>> = {
  placed: 'Placed',
  packed: 'Packed',
  shipped: 'Shipped',
  delivered: 'Delivered',
  cancelled: 'Cancelled',
}
const clock = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' })

export function wordOf(orderStatus: OrderStatus): string {
  return WORDS[orderStatus]
}

export function Trail({ order: { orderStatus, trail } }: { order: Order }): ReactElement {
  if (orderStatus === 'cancelled') {
    return (
      <p className="inline-flex items-center gap-2 text-muted text-sm">
        <CircleX aria-hidden size={16} />
        Cancelled
      </p>
    )
  }
  return (
    <ol className="grid grid-cols-4 gap-2">
      {STEPS.map((step) => {
        const at = trail.find((each) => each.orderStatus === step)?.at
        return (
          <li key={step} aria-current={step === orderStatus ? 'step' : undefined}>
            <span className={clsx('block h-1.5 rounded-full', at === undefined ? 'bg-sunken' : 'bg-accent')} />
            <span
              className={clsx(
                'mt-1.5 flex items-center gap-1 text-sm',
                at === undefined ? 'text-muted' : 'font-medium text-ink',
              )}
            >
              {at !== undefined && <Check aria-hidden size={13} className="shrink-0 text-accent" />}
              {WORDS[step]}
            </span>
            {at !== undefined && <span className="block text-muted text-xs tabular-nums">{clock.format(at)}</span>}
          </li>
        )
      })}
    </ol>
  )
}
