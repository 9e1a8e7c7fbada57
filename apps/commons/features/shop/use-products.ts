/** What the shop has: as it was when asked, and as it changes. */
import { createHooks } from '@roomful/react'
import { type Loaded, useLoaded } from '../../web/live/use-loaded.ts'
import type { Product, productsContract } from './contract.ts'

const { useClient, useEvent, useRoom } = createHooks<typeof productsContract>()

export type ShownProduct = Product & { readonly viewers: number }

/** Of everyone who looks at the list. */
const SHOP_ROOM = 'shop'

export function useProducts(): Loaded<readonly ShownProduct[]> {
  const client = useClient()
  const products = useLoaded<readonly ShownProduct[]>(async () => (await client.request('product:list')).products)
  const { change } = products
  useRoom(SHOP_ROOM)
  useEvent('stock:update', ({ productId, stock }) => change((all) => put(all, productId, { stock })))
  useEvent('product:viewers', ({ productId, count }) => change((all) => put(all, productId, { viewers: count })))
  return products
}

function put(
  products: readonly ShownProduct[],
  productId: string,
  change: Partial<ShownProduct>,
): readonly ShownProduct[] {
  return products.map((each) => (each.productId === productId ? { ...each, ...change } : each))
}
