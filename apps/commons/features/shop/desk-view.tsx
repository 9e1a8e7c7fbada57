/** The seller's desk: orders as they come in, and what is in stock. B27. */
import { useClient } from '@roomful/react'
import { Inbox } from 'lucide-react'
import { type ReactElement, useEffect, useState } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Badge } from '../../web/ui/badge.tsx'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { isolated } from '../../web/ui/isolated.ts'
import { toast, toastError } from '../../web/ui/toast.tsx'
import type { Order, OrderStatus, sellerContract } from './contract.ts'
import { Inventory } from './inventory.tsx'
import { money } from './money.ts'
import { wordOf } from './trail.tsx'

/** What the desk does next with an order. */
const NEXT: Partial<Record<OrderStatus, string>> = {
  placed: 'Mark as packed',
  packed: 'Mark as shipped',
  shipped: 'Mark as delivered',
}

export function DeskView(): ReactElement {
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-6 lg:grid-cols-[minmax(0,1fr)_20rem]">
      <section aria-label="Orders">
        <h2 className="mb-3 font-medium">Orders</h2>
        <Orders />
      </section>
      <section aria-label="Inventory">
        <h2 className="mb-3 font-medium">Inventory</h2>
        <Inventory />
      </section>
    </div>
  )
}

function Orders(): ReactElement {
  const client = useClient<typeof sellerContract>()
  const {
    data: orders,
    error,
    change,
    reload,
  } = useLoaded<readonly Order[]>(async () => (await client.request('order:list')).orders)
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set())
  useEffect(
    () =>
      client.on('order:new', (order) => {
        change((all) => [order, ...all.filter(({ orderId }) => orderId !== order.orderId)])
        setFresh((before) => new Set([...before, order.orderId]))
        toast('New order', `${order.quantity} × ${order.productName} for ${isolated(order.name)}`, 'good')
      }),
    [client, change],
  )
  useEffect(() => client.on('order:changed', (order) => change((all) => put(all, order))), [client, change])
  const advance = (orderId: string): void => {
    client.request('order:advance', { orderId }).then(
      ({ order }) => change((all) => put(all, order)),
      (refused: unknown) => toastError('Couldn’t update the order', refused),
    )
  }
  if (!orders) return <NotLoaded what="orders" error={error} onRetry={reload} />
  if (orders.length === 0) {
    return (
      <Card>
        <EmptyState icon={Inbox} title="No orders yet">
          New orders appear here instantly.
        </EmptyState>
      </Card>
    )
  }
  return (
    <Card>
      <ul aria-label="Orders">
        {orders.map((order) => {
          const { orderId, orderStatus, quantity, productName, name, totalCents } = order
          const next = NEXT[orderStatus]
          return (
            <li
              key={orderId}
              className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b p-4 last:border-b-0"
            >
              <div className="min-w-40 grow">
                <p className="flex items-center gap-2 font-medium">
                  {quantity} × {productName}
                  {fresh.has(orderId) && orderStatus === 'placed' && <Badge tone="accent">New</Badge>}
                </p>
                <p className="text-muted text-sm">
                  <bdi>{name}</bdi> · {money(totalCents)} · Order {orderId}
                </p>
              </div>
              <Badge tone={orderStatus === 'delivered' ? 'soft' : 'plain'}>{wordOf(orderStatus)}</Badge>
              {next !== undefined && (
                <Button
                  size="small"
                  onClick={() => advance(orderId)}
                  aria-label={`${next}: ${productName} for ${name}`}
                >
                  {next}
                </Button>
              )}
            </li>
          )
        })}
      </ul>
    </Card>
  )
}

function put(orders: readonly Order[], order: Order): readonly Order[] {
  return orders.map((each) => (each.orderId === order.orderId ? order : each))
}
