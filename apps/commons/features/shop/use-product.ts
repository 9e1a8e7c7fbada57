/** One product from near: whoever has it open is in its room, and out of it when they go on. B28. */
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
      client.request('product:leave', { productId }).catch(() => undefined) // without a connection nobody is in a room
    },
    [client, productId],
  )
  useEffect(
    () =>
      client.on('stock:update', (told) => {
        if (told.productId !== productId) return
        change((now) => ({ ...now, product: { ...now.product, stock: told.stock } }))
      }),
    [client, productId, change],
  )
  useEffect(
    () =>
      client.on('product:viewers', (told) => {
        if (told.productId === productId) change((now) => ({ ...now, count: told.count }))
      }),
    [client, productId, change],
  )
  return viewed
}
