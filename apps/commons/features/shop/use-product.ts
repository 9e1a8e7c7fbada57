/** One product. A user is in its room while the product is open. B28. */
import { useClient } from '@roomful/react'
import { useEffect } from 'react'
import { type Loaded, useLoaded } from '../../web/live/use-loaded.ts'
import type { Product, productsContract } from './contract.ts'

export interface Viewed {
  readonly product: Product
  /** How many look at it, this person among them. */
  readonly count: number
}

export function useProduct(productId: string): Loaded<Viewed> {
  const client = useClient<typeof productsContract>()
  const viewed = useLoaded<Viewed>(() => client.request('product:view', { productId }), productId)
  const { change } = viewed
  useEffect(
    () => () => {
      client.request('product:leave', { productId }).catch(() => undefined) // without a connection the user is in no room
    },
    [client, productId],
  )
  useEffect(
    () =>
      client.on('stock:update', (update) => {
        if (update.productId !== productId) return
        change((now) => ({ ...now, product: { ...now.product, stock: update.stock } }))
      }),
    [client, productId, change],
  )
  useEffect(
    () =>
      client.on('product:viewers', (update) => {
        if (update.productId === productId) change((now) => ({ ...now, count: update.count }))
      }),
    [client, productId, change],
  )
  return viewed
}
