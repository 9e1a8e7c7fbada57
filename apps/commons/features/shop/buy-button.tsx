/** Buys one. Asked once, done once, also when the connection is lost between the two. */
import { useClient } from '@roomful/react'
import { ShoppingBag } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { useLocation } from 'wouter'
import { AwayNote } from '../../web/live/away.tsx'
import { Button } from '../../web/ui/button.tsx'
import { toast, toastError } from '../../web/ui/toast.tsx'
import type { customerContract, Product } from './contract.ts'

export function BuyButton({ product: { productId, name, stock } }: { product: Product }): ReactElement {
  const client = useClient<typeof customerContract>()
  const [, go] = useLocation()
  const [isBusy, setBusy] = useState(false)
  const buy = async (): Promise<void> => {
    setBusy(true)
    try {
      await client.request('order:place', { productId }, { durable: true })
      toast('Order placed', `Track your ${name} here.`, 'good')
      go('/orders')
    } catch (error) {
      toastError('Couldn’t place your order', error)
      setBusy(false)
    }
  }
  return (
    <div className="mt-auto flex flex-col gap-2">
      <AwayNote>You’re offline. Your order will be placed when you’re back, if it’s still in stock.</AwayNote>
      <Button
        tone="primary"
        icon={ShoppingBag}
        busy={isBusy}
        disabled={stock === 0}
        onClick={() => void buy()}
        className="self-start"
      >
        {stock === 0 ? 'Sold out' : 'Buy now'}
      </Button>
    </div>
  )
}
