/** Orders: a customer places them in `/customer`, the desk in `/seller` hears of them and sends them on their way. B27. */
import { RoomfulError, requireRole, type TypedNamespace } from '@roomful/server'
import type { Commons } from '../../commons.ts'
import { notify } from '../notifications/server.ts'
import { customerContract, type Order, type OrderStatus, sellerContract } from './contract.ts'
import type { ShopStore } from './store.ts'

const NEXT: Partial<Record<OrderStatus, OrderStatus>> = { placed: 'packed', packed: 'shipped', shipped: 'delivered' }

/** What became of it, in a sentence. */
const STEPS: Readonly<Record<OrderStatus, string>> = {
  placed: 'was placed',
  packed: 'was packed',
  shipped: 'has shipped',
  delivered: 'was delivered',
  cancelled: 'was cancelled',
}

export type CustomerNamespace = TypedNamespace<typeof customerContract>

/** @param tellStock tells those who look at a product */
export function addOrders(
  { server, clock, random }: Commons,
  store: ShopStore,
  tellStock: (productId: string) => void,
): CustomerNamespace {
  const rooms = server.namespace('/customer')
  server.chat(rooms) // for the conversations with support
  const customer = rooms.extend(customerContract)
  const desk = server.namespace('/seller').use(requireRole('seller', 'admin')).extend(sellerContract)

  const tellStockEverywhere = (productId: string): void => {
    tellStock(productId)
    desk.emit('stock:update', { productId, stock: store.product(productId).stock })
  }
  const tellCustomer = ({ orderId, userId, orderStatus, quantity, productName }: Order): void => {
    const content = {
      title: `Your order ${STEPS[orderStatus]}`,
      message: `${quantity} × ${productName}`,
      link: '/shop/orders',
    }
    notify(server, userId, content, `order-${orderId}-${orderStatus}`)
  }
  const change = (order: Order, status: OrderStatus): Order => {
    const changed = store.setStatus(order, status, clock.now())
    customer.to(`user:${order.userId}`).emit('order:update', changed)
    desk.emit('order:changed', changed)
    if (status !== 'cancelled') tellCustomer(changed)
    if (status === 'cancelled') tellStockEverywhere(order.productId)
    return changed
  }

  customer.on('order:place', ({ user, key }, { productId, quantity }) => {
    const repeated = key === undefined ? undefined : store.orderOfKey(user.sub, key)
    if (repeated) return { status: 'ok', orderId: repeated.orderId, order: repeated }
    const { sub: userId, name } = user
    const orderId = random.id(8)
    const order = store.buy({ orderId, productId, quantity, userId, name, key, at: clock.now() })
    tellStockEverywhere(productId)
    desk.emit('order:new', order)
    return { status: 'ok', orderId, order }
  })

  customer.on('order:list', ({ user }) => ({ status: 'ok', orders: store.ordersOf(user.sub) }))

  customer.on('order:cancel', ({ user }, { orderId }) => {
    const order = store.order(orderId)
    if (order.userId !== user.sub) throw new RoomfulError('FORBIDDEN', 'You don’t have access to this order')
    if (order.orderStatus === 'cancelled') return { status: 'ok' }
    if (order.orderStatus !== 'placed')
      throw new RoomfulError('CONFLICT', `This order can’t be cancelled: it ${STEPS[order.orderStatus]}`)
    change(order, 'cancelled')
    return { status: 'ok' }
  })

  desk.on('order:list', () => ({ status: 'ok', orders: store.orders() }))

  desk.on('order:advance', (_context, { orderId }) => {
    const order = store.order(orderId)
    const next = NEXT[order.orderStatus]
    if (next === undefined) throw new RoomfulError('CONFLICT', `This order ${STEPS[order.orderStatus]} already`)
    return { status: 'ok', order: change(order, next) }
  })

  desk.on('inventory:list', () => ({ status: 'ok', products: store.products() }))

  desk.on('inventory:set', (_context, { productId, stock }) => {
    store.setStock(productId, stock)
    tellStockEverywhere(productId)
    return { status: 'ok' }
  })

  return customer
}
