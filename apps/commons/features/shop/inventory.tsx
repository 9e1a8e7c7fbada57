/** What is in stock, and how it is set. */
import { useClient } from '@roomful/react'
import { Minus, Plus } from 'lucide-react'
import { type ReactElement, useEffect } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { IconButton } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { toastError } from '../../web/ui/toast.tsx'
import type { Product, sellerContract } from './contract.ts'

export function Inventory(): ReactElement {
  const client = useClient<typeof sellerContract>()
  const {
    data: products,
    error,
    change,
    reload,
  } = useLoaded<readonly Product[]>(async () => (await client.request('inventory:list')).products)
  useEffect(
    () =>
      client.on('stock:update', ({ productId, stock }) =>
        change((all) => all.map((each) => (each.productId === productId ? { ...each, stock } : each))),
      ),
    [client, change],
  )
  const set = (productId: string, stock: number): void => {
    client.request('inventory:set', { productId, stock }).catch((refused: unknown) => {
      toastError('Couldn’t update the stock', refused)
    })
  }
  if (!products) return <NotLoaded what="inventory" error={error} onRetry={reload} />
  return (
    <Card>
      <ul aria-label="Inventory">
        {products.map(({ productId, name, stock }) => (
          <li key={productId} className="flex items-center gap-1 border-line border-b py-1 pr-2 pl-4 last:border-b-0">
            <span className="min-w-0 grow truncate text-sm">{name}</span>
            <IconButton
              icon={Minus}
              size="small"
              label={`Remove one ${name}`}
              disabled={stock === 0}
              onClick={() => set(productId, stock - 1)}
            />
            <span className="w-8 text-center font-medium tabular-nums">{stock}</span>
            <IconButton icon={Plus} size="small" label={`Add one ${name}`} onClick={() => set(productId, stock + 1)} />
          </li>
        ))}
      </ul>
    </Card>
  )
}
