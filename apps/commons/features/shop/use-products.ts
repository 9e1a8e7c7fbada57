/** What the shop has: as it was when asked, and as it changes. */
import { useClient } from '@roomful/react'
import { useEffect } from 'react'
import { useHeldRoom } from '../../web/live/use-held-room.ts'
import { type Loaded, useLoaded } from '../../web/live/use-loaded.ts'
import type { Product, productsContract } from './contract.ts'

export type ShownProduct = Product & { readonly viewers: number }

/** Of everyone who looks at the list. */
const SHOP_ROOM = 'shop'

export function useProducts(): Loaded<readonly ShownProduct[]> {
  const client = useClient<typeof productsContract>()
  const products = useLoaded<readonly ShownProduct[]>(async () => (await client.request('product:list')).products)
  const { change } = products
  useHeldRoom(SHOP_ROOM)
  useEffect(
    () => client.on('stock:update', ({ productId, stock }) => change((all) => put(all, productId, { stock }))),
    [client, change],
  )
  useEffect(
    () =>
      client.on('product:viewers', ({ productId, count }) => change((all) => put(all, productId, { viewers: count }))),
    [client, change],
  )
  return products
}

function put(
  products: readonly ShownProduct[],
  productId: string,
  change: Partial<ShownProduct>,
): readonly ShownProduct[] {
  return products.map((each) => (each.productId === productId ? { ...each, ...change } : each))
}
