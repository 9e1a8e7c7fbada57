/** A customer's own orders: each with the way it has come, as it comes. */
import { useClient } from '@roomful/react'
import { Package } from 'lucide-react'
import { type ReactElement, useEffect, useState } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Button, LinkButton } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { Confirm } from '../../web/ui/confirm.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { toast, toastError } from '../../web/ui/toast.tsx'
import type { customerContract, Order } from './contract.ts'
import { money } from './money.ts'
import { Trail, wordOf } from './trail.tsx'

export function OrdersView(): ReactElement {
  const client = useClient<typeof customerContract>()
  const {
    data: orders,
    error,
    change,
    reload,
  } = useLoaded<readonly Order[]>(async () => (await client.request('order:list')).orders)
  useEffect(
    () =>
      client.on('order:update', (order) => {
        change((all) => all.map((each) => (each.orderId === order.orderId ? order : each)))
        if (order.orderStatus !== 'cancelled') toast(wordOf(order.orderStatus), order.productName)
      }),
    [client, change],
  )
  const [cancelling, setCancelling] = useState<Order>()
  const cancel = (orderId: string): void => {
    client
      .request('order:cancel', { orderId })
      .catch((refused: unknown) => toastError('Couldn’t cancel the order', refused))
  }
  if (!orders) return <NotLoaded what="your orders" error={error} onRetry={reload} />
  if (orders.length === 0) {
    return (
      <Card>
        <EmptyState icon={Package} title="No orders yet" action={<LinkButton to="/">Browse products</LinkButton>} />
      </Card>
    )
  }
  return (
    <>
      <ul aria-label="My orders" className="grid grid-cols-1 gap-3">
        {orders.map((order) => (
          <li key={order.orderId}>
            <Card className="p-4 sm:p-5">
              <div className="mb-4 flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
                <div>
                  <h2 className="font-medium">{order.productName}</h2>
                  <p className="text-muted text-sm">
                    {order.quantity === 1 ? '1 item' : `${order.quantity} items`} · {money(order.totalCents)} · Order{' '}
                    {order.orderId}
                  </p>
                </div>
                {order.orderStatus === 'placed' && (
                  <Button size="small" tone="danger" onClick={() => setCancelling(order)}>
                    Cancel order…
                  </Button>
                )}
              </div>
              <Trail order={order} />
            </Card>
          </li>
        ))}
      </ul>
      <Confirm
        open={cancelling !== undefined}
        onOpenChange={() => setCancelling(undefined)}
        title="Cancel this order?"
        description={`${cancelling?.productName ?? ''} goes back in stock, and someone else may buy it.`}
        action="Cancel order"
        dismiss="Keep order"
        onConfirm={() => {
          if (cancelling) cancel(cancelling.orderId)
          setCancelling(undefined)
        }}
      />
    </>
  )
}
