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
      toast('Ordered', `${name} is yours. Here you see how it comes to you.`, 'good')
      go('/orders')
    } catch (error) {
      toastError('Not ordered', error)
      setBusy(false)
    }
  }
  return (
    <div className="mt-auto flex flex-col gap-2">
      <AwayNote>You are offline. What you buy is ordered when you are back, if it is still there.</AwayNote>
      <Button
        tone="primary"
        icon={ShoppingBag}
        busy={isBusy}
        disabled={stock === 0}
        onClick={() => void buy()}
        className="self-start"
      >
        {stock === 0 ? 'Sold out' : 'Buy it now'}
      </Button>
    </div>
  )
}
