/**
 * The shop, in the namespaces that its people have: product pages on `/`, orders and help in `/customer`, the desk in
 * `/seller`, the waiting list in `/support`. B27, B28.
 */
import type { Commons } from '../../commons.ts'
import { addHelp } from './help.ts'
import { addOrders } from './orders.ts'
import { addProducts } from './products.ts'
import { ShopStore } from './store.ts'

export function addShop(commons: Commons): void {
  const store = new ShopStore(commons.database)
  const tellStock = addProducts(commons, store)
  const customer = addOrders(commons, store, tellStock)
  addHelp(commons, customer)
}
