/** What is said in the shop: product pages on `/`, and one contract per namespace. B27, B28. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

const productId = z.string().min(1).max(64)
const orderId = z.string().min(1).max(64)
const ok = z.object({ status: z.literal('ok') })

const product = z.object({
  productId,
  name: z.string(),
  description: z.string(),
  priceCents: z.number(),
  stock: z.number(),
  /** Of its picture, in degrees. */
  hue: z.number(),
})
export type Product = z.infer<typeof product>

/** In the order of a parcel's life; `cancelled` ends it before it is sent. */
const ORDER_STATUSES = ['placed', 'packed', 'shipped', 'delivered', 'cancelled'] as const
const orderStatus = z.enum(ORDER_STATUSES)
export type OrderStatus = z.infer<typeof orderStatus>

const order = z.object({
  orderId,
  productId,
  productName: z.string(),
  quantity: z.number(),
  totalCents: z.number(),
  userId: z.string(),
  name: z.string(),
  orderStatus,
  /** When it took each status, oldest first. */
  trail: z.array(z.object({ orderStatus, at: z.number() })),
})
export type Order = z.infer<typeof order>

const orders = event({ ack: z.object({ status: z.literal('ok'), orders: z.array(order) }) })

/** On `/`: who looks at what, and how much there is of it. */
export const productsContract = defineContract({
  client: {
    'product:list': event({
      ack: z.object({ status: z.literal('ok'), products: z.array(product.extend({ viewers: z.number() })) }),
    }),
    /** Opens a product's page; the connection is in `product:<productId>` until it leaves. */
    'product:view': event({
      data: z.object({ productId }),
      ack: z.object({ status: z.literal('ok'), product, count: z.number() }),
    }),
    'product:leave': event({ data: z.object({ productId }), ack: ok }),
  },
  server: {
    /** To everyone who looks at it. */
    'product:viewers': event({
      data: z.object({ productId, count: z.number() }),
      volatile: { latestBy: 'productId' },
    }),
    /** To everyone who looks at it, and to the room `shop`. */
    'stock:update': event({ data: z.object({ productId, stock: z.number() }) }),
  },
})

/** On `/customer`: a customer's own orders, and the way to support. */
export const customerContract = defineContract({
  client: {
    'order:place': event({
      data: z.object({ productId, quantity: z.number().int().min(1).max(10).default(1) }),
      ack: z.object({ status: z.literal('ok'), orderId, order }),
    }),
    /** One's own, newest first. */
    'order:list': orders,
    'order:cancel': event({ data: z.object({ orderId }), ack: ok }),
    /** Asks support to come to one's own room, `help:<userId>`; what is said there are ordinary messages. */
    'help:ask': event({ ack: z.object({ status: z.literal('ok'), roomId: z.string() }) }),
    'help:close': event({ data: z.object({ roomId: z.string() }), ack: ok }),
  },
  server: {
    /** To the customer's inbox: a customer who is away receives it at the next connect. */
    'order:update': event({ data: order, durable: true }),
    /** To the room `help:<userId>`: support has come, or the conversation is over. */
    'help:state': event({ data: z.object({ isOpen: z.boolean() }), durable: true }),
  },
})

/** On `/seller`: the desk. */
export const sellerContract = defineContract({
  client: {
    /** All customers', newest first. */
    'order:list': orders,
    /** On to the next status of a parcel's life. */
    'order:advance': event({ data: z.object({ orderId }), ack: z.object({ status: z.literal('ok'), order }) }),
    'inventory:list': event({ ack: z.object({ status: z.literal('ok'), products: z.array(product) }) }),
    'inventory:set': event({ data: z.object({ productId, stock: z.number().int().min(0).max(9_999) }), ack: ok }),
  },
  server: {
    /** To everyone at the desk. */
    'order:new': event({ data: order }),
    'order:changed': event({ data: order }),
    'stock:update': event({ data: z.object({ productId, stock: z.number() }) }),
  },
})

const request = z.object({ roomId: z.string(), userId: z.string(), name: z.string(), askedAt: z.number() })
export type HelpRequest = z.infer<typeof request>

/** On `/support`: who waits for help. The conversations are rooms of `/customer`. */
export const supportContract = defineContract({
  client: { 'help:list': event({ ack: z.object({ status: z.literal('ok'), requests: z.array(request) }) }) },
  server: {
    'help:asked': event({ data: request }),
    'help:closed': event({ data: z.object({ roomId: z.string() }) }),
  },
})
