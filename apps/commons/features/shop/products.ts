/** Product pages on `/`: who looks at them now, and how much is left. B28. */
import type { User } from '@roomful/server'
import { Coalesce } from '../../coalesce.ts'
import type { Commons } from '../../commons.ts'
import { productsContract } from './contract.ts'
import type { ShopStore } from './store.ts'

const PREFIX = 'product:'
/** Everyone who looks at the list, and wants to know of every product's stock. */
const SHOP_ROOM = 'shop'
const VIEWERS_INTERVAL_MS = 250

/** @returns what tells everyone how much is left of a product */
export function addProducts({ server, clock }: Commons, store: ShopStore): (productId: string) => void {
  const shop = server.get('/').extend(productsContract)
  const roomOf = (productId: string): string => PREFIX + productId
  const idOf = (roomId: string): string => roomId.slice(PREFIX.length)
  const exists = (_user: User, roomId: string): boolean => store.hasProduct(idOf(roomId))
  const never = (): boolean => false
  shop.room(`${PREFIX}*`, { allow: { join: exists, publish: never } })
  shop.room(SHOP_ROOM, { allow: { publish: never } })

  const countViewers = async (productId: string): Promise<number> => (await shop.roomUsers(roomOf(productId))).length

  const viewers = new Coalesce(clock, VIEWERS_INTERVAL_MS, async (productId) => {
    const count = await countViewers(productId)
    shop.to([roomOf(productId), SHOP_ROOM]).emit('product:viewers', { productId, count })
  })
  shop.hook('enter', (_user, roomId) => {
    if (roomId.startsWith(PREFIX)) viewers.changed(idOf(roomId))
  })
  shop.hook('exit', (_user, roomId) => {
    if (roomId.startsWith(PREFIX)) viewers.changed(idOf(roomId))
  })

  /** Others may have come after it was answered and before it was in the room. */
  shop.hook('join', async ({ id }, roomId) => {
    if (!roomId.startsWith(PREFIX)) return
    const productId = idOf(roomId)
    shop.to(id).emit('product:viewers', { productId, count: await countViewers(productId) })
  })

  shop.on('product:list', async () => {
    const products = store.products()
    const counts = await Promise.all(products.map(({ productId }) => countViewers(productId)))
    return { status: 'ok', products: products.map((each, i) => ({ ...each, viewers: counts[i] ?? 0 })) }
  })

  shop.on('product:view', async (context, { productId }) => {
    const product = store.product(productId)
    const roomId = roomOf(productId)
    await context.join(roomId)
    // It counts the requester, who is a member once the answer is sent.
    const users = await shop.roomUsers(roomId)
    const count = users.length + (users.some(({ userId }) => userId === context.user.sub) ? 0 : 1)
    return { status: 'ok', product, count }
  })

  shop.on('product:leave', (context, { productId }) => {
    context.leave(roomOf(productId))
    return { status: 'ok' }
  })

  return (productId) => {
    const { stock } = store.product(productId)
    shop.to([roomOf(productId), SHOP_ROOM]).emit('stock:update', { productId, stock })
  }
}
