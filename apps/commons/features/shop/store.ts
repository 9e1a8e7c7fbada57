/** Products and orders in the database. Stock and order change in one transaction, so what is sold once is sold once. */
import { RoomfulError } from '@roomful/server'
import { type Database, defineStore } from '../../database.ts'
import { CATALOGUE } from './catalogue.ts'
import type { Order, OrderStatus, Product } from './contract.ts'

const SCHEMA = `
  CREATE TABLE products (
    product_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    price_cents INTEGER NOT NULL,
    stock INTEGER NOT NULL CHECK (stock >= 0),
    hue INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE orders (
    order_id TEXT PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES products (product_id),
    quantity INTEGER NOT NULL,
    total_cents INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    trail TEXT NOT NULL,
    key TEXT,
    placed_at INTEGER NOT NULL,
    UNIQUE (user_id, key)
  ) STRICT;
  CREATE INDEX orders_by_user ON orders (user_id, placed_at);`

const ORDER = 'SELECT orders.*, products.name AS product_name FROM orders JOIN products USING (product_id)'
/** A page of orders; the desk is for those of today. */
const ORDERS_LISTED = 200
/** Orders of one user, cancelled ones included. */
const ORDERS_PER_USER = 1_000

export interface Purchase {
  readonly orderId: string
  readonly productId: string
  readonly quantity: number
  readonly userId: string
  readonly name: string
  readonly key: string | undefined
  readonly at: number
}

export class ShopStore {
  private readonly database: Database
  private readonly statements

  constructor(database: Database) {
    this.database = database
    this.statements = defineStore(database, 'shop', [SCHEMA], {
      products: 'SELECT * FROM products ORDER BY rowid',
      product: 'SELECT * FROM products WHERE product_id = ?',
      addProduct: 'INSERT OR IGNORE INTO products VALUES (?, ?, ?, ?, ?, ?)',
      setStock: 'UPDATE products SET stock = ? WHERE product_id = ?',
      takeStock: 'UPDATE products SET stock = stock - ? WHERE product_id = ? AND stock >= ?',
      order: `${ORDER} WHERE order_id = ?`,
      orderOfKey: `${ORDER} WHERE user_id = ? AND key = ?`,
      ordersOf: `${ORDER} WHERE user_id = ? ORDER BY placed_at DESC LIMIT ${ORDERS_LISTED}`,
      orders: `${ORDER} ORDER BY placed_at DESC LIMIT ${ORDERS_LISTED}`,
      orderCount: 'SELECT count(*) AS count FROM orders WHERE user_id = ?',
      addOrder: 'INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      setStatus: 'UPDATE orders SET status = ?, trail = ? WHERE order_id = ?',
    })
    database.change(() => {
      for (const { productId, name, description, priceCents, stock, hue } of CATALOGUE) {
        this.statements.addProduct.run(productId, name, description, priceCents, stock, hue)
      }
    })
  }

  products(): Product[] {
    return this.statements.products.all().map(toProduct)
  }

  hasProduct(productId: string): boolean {
    return this.statements.product.get(productId) !== undefined
  }

  /** @throws RoomfulError NOT_FOUND */
  product(productId: string): Product {
    const row = this.statements.product.get(productId)
    if (!row) throw new RoomfulError('NOT_FOUND', 'Product not found', { field: 'productId' })
    return toProduct(row)
  }

  setStock(productId: string, stock: number): void {
    this.product(productId)
    this.database.change(() => this.statements.setStock.run(stock, productId))
  }

  /** @throws RoomfulError OUT_OF_STOCK, TOO_MANY_ORDERS, NOT_FOUND, UNAVAILABLE */
  buy({ orderId, productId, quantity, userId, name, key, at }: Purchase): Order {
    if (Number(this.statements.orderCount.get(userId)?.count) >= ORDERS_PER_USER) {
      throw new RoomfulError('TOO_MANY_ORDERS', `You’ve reached the limit of ${ORDERS_PER_USER} orders`)
    }
    return this.database.change(() => {
      const { priceCents, name: productName, stock } = this.product(productId)
      if (this.statements.takeStock.run(quantity, productId, quantity).changes === 0) {
        const sentence = stock === 0 ? `${productName} is sold out` : `Only ${stock} left of ${productName}`
        throw new RoomfulError('OUT_OF_STOCK', sentence)
      }
      const trail = JSON.stringify([{ orderStatus: 'placed', at }])
      const total = priceCents * quantity
      this.statements.addOrder.run(orderId, productId, quantity, total, userId, name, 'placed', trail, key ?? null, at)
      return this.order(orderId)
    })
  }

  /** @throws RoomfulError NOT_FOUND */
  order(orderId: string): Order {
    const row = this.statements.order.get(orderId)
    if (!row) throw new RoomfulError('NOT_FOUND', 'Order not found', { field: 'orderId' })
    return toOrder(row)
  }

  /** What the user ordered under this key before. */
  orderOfKey(userId: string, key: string): Order | undefined {
    const row = this.statements.orderOfKey.get(userId, key)
    return row && toOrder(row)
  }

  ordersOf(userId: string): Order[] {
    return this.statements.ordersOf.all(userId).map(toOrder)
  }

  orders(): Order[] {
    return this.statements.orders.all().map(toOrder)
  }

  /** Gives an order another status; what was cancelled is in stock again. */
  setStatus(order: Order, orderStatus: OrderStatus, at: number): Order {
    const trail = [...order.trail, { orderStatus, at }]
    return this.database.change(() => {
      this.statements.setStatus.run(orderStatus, JSON.stringify(trail), order.orderId)
      if (orderStatus === 'cancelled') {
        this.statements.takeStock.run(-order.quantity, order.productId, -order.quantity)
      }
      return { ...order, orderStatus, trail }
    })
  }
}

function toProduct(row: Record<string, unknown>): Product {
  return {
    productId: String(row.product_id),
    name: String(row.name),
    description: String(row.description),
    priceCents: Number(row.price_cents),
    stock: Number(row.stock),
    hue: Number(row.hue),
  }
}

function toOrder(row: Record<string, unknown>): Order {
  return {
    orderId: String(row.order_id),
    productId: String(row.product_id),
    productName: String(row.product_name),
    quantity: Number(row.quantity),
    totalCents: Number(row.total_cents),
    userId: String(row.user_id),
    name: String(row.name),
    orderStatus: row.status as OrderStatus,
    trail: JSON.parse(String(row.trail)) as Order['trail'],
  }
}
