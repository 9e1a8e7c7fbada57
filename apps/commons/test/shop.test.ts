/** The shop: everyone sees the same stock, the last item is sold once, and each side hears what concerns it. B27, B28. */
import type { TestClient, TestServer } from '@roomful/testkit'
import { io } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { addShop } from '../features/shop/server.ts'
import { serveCommons, testCommons, tokenOf } from './support/commons.ts'

const customer = (server: TestServer, user: string): Promise<TestClient> =>
  server.connect({ namespace: '/customer', user })
const seller = (server: TestServer): Promise<TestClient> =>
  server.connect({ namespace: '/seller', user: { sub: 'sam', role: 'seller' } })

describe('a product page', () => {
  it('[B28] tells everyone on it how many look, once per person, until they leave', async () => {
    const server = await testCommons(addShop)
    const ann = await server.connect({ user: 'ann' })
    const bob = await server.connect({ user: 'bob' })
    const bobsOtherTab = await server.connect({ user: 'bob' })
    expect((await ann.request('product:view', { productId: 'tea-pot' })).data).toMatchObject({
      status: 'ok',
      product: { name: 'Stoneware teapot', stock: 9 },
      count: 1,
    })
    expect((await bob.request('product:view', { productId: 'tea-pot' })).data).toMatchObject({ count: 2 })
    expect((await bobsOtherTab.request('product:view', { productId: 'tea-pot' })).data).toMatchObject({ count: 2 })
    await server.advance(1_000)
    expect(ann.messages('product:viewers').at(-1)).toMatchObject({ productId: 'tea-pot', count: 2 })
    await bobsOtherTab.request('product:leave', { productId: 'tea-pot' })
    bob.cut()
    await server.advance(1_000)
    expect(ann.messages('product:viewers').at(-1)).toMatchObject({ count: 1 })
  })

  it('[B28] counts those who came by the ordinary join, and knows its products', async () => {
    const server = await testCommons(addShop)
    const [ann, bob] = [await server.connect({ user: 'ann' }), await server.connect({ user: 'bob' })]
    await ann.request('room:join', { roomId: 'product:tea-pot' })
    expect((await bob.request('product:view', { productId: 'tea-pot' })).data).toMatchObject({ count: 2 })
    expect((await bob.request('product:view', { productId: 'nothing' })).error).toMatchObject({ code: 'NOT_FOUND' })
    expect((await bob.request('room:join', { roomId: 'product:nothing' })).error).toMatchObject({ code: 'FORBIDDEN' })
    expect((await bob.request('message:send', { roomId: 'product:tea-pot', content: 'x' })).error).toBeDefined()
    const { products } = (await ann.request('product:list')).data
    expect(products).toHaveLength(6)
    expect(products.find(({ productId }: { productId: string }) => productId === 'tea-pot')).toMatchObject({
      viewers: 2,
    })
  })

  it('[B28] shows each change of stock to all who look, and to the list, once each', async () => {
    const server = await testCommons(addShop)
    const ann = await server.connect({ user: 'ann' })
    await ann.request('product:view', { productId: 'wool-throw' })
    await ann.request('room:join', { roomId: 'shop' })
    const bob = await customer(server, 'bob')
    await bob.request('order:place', { productId: 'wool-throw', quantity: 2 })
    expect(ann.messages('stock:update')).toMatchObject([{ productId: 'wool-throw', stock: 4 }])
  })
})

describe('an order', () => {
  it('[B27] of the last item goes to one user, however many ask at the same moment', async () => {
    const server = await testCommons(addShop)
    const buyers: TestClient[] = []
    for (let i = 0; i < 10; i++) buyers.push(await customer(server, `buyer ${i}`))
    const ids = buyers.map((client) => client.post('order:place', { productId: 'last-record' }))
    await server.settle()
    const answers = buyers.map((client, index) => client.answer(ids[index] ?? ''))
    expect(answers.filter((answer) => answer?.data.status === 'ok')).toHaveLength(1)
    const refused = answers.filter((answer) => answer?.error)
    expect(refused).toHaveLength(9)
    expect(refused[0]?.error).toMatchObject({ code: 'OUT_OF_STOCK', message: 'The last record is sold out' })
  })

  it('[B27] alerts the desk, and is followed by the customer on all their screens', async () => {
    const server = await testCommons(addShop)
    const [phone, laptop, bob] = [
      await customer(server, 'ann'),
      await customer(server, 'ann'),
      await customer(server, 'bob'),
    ]
    const desk = await seller(server)
    const { orderId } = (await phone.request('order:place', { productId: 'tea-pot' })).data
    expect(await desk.next('order:new')).toMatchObject({ orderId, name: 'ann', productName: 'Stoneware teapot' })
    for (const status of ['packed', 'shipped', 'delivered']) {
      expect((await desk.request('order:advance', { orderId })).data.order).toMatchObject({ orderStatus: status })
    }
    for (const client of [phone, laptop]) {
      expect(client.messages('order:update').map(({ orderStatus }) => orderStatus)).toEqual([
        'packed',
        'shipped',
        'delivered',
      ])
    }
    expect(bob.messages('order:update')).toEqual([])
    expect((await desk.request('order:advance', { orderId })).error).toMatchObject({ code: 'CONFLICT' })
    const [order] = (await phone.request('order:list')).data.orders
    expect(order.trail.map(({ orderStatus }: { orderStatus: string }) => orderStatus)).toEqual([
      'placed',
      'packed',
      'shipped',
      'delivered',
    ])
  })

  it('[B27] [B23] reaches a customer who was away at the next connect, once', async () => {
    const server = await testCommons(addShop)
    const ann = await customer(server, 'ann')
    const desk = await seller(server)
    const { orderId } = (await ann.request('order:place', { productId: 'tea-pot' })).data
    ann.close()
    await desk.request('order:advance', { orderId })
    const notified = await server.connect({ namespace: '/notifications', user: 'ann' })
    const notification = { title: 'Your order was packed', message: '1 × Stoneware teapot', link: '/shop/orders' }
    expect(await notified.next('notification')).toMatchObject(notification)
    const back = await customer(server, 'ann')
    expect(await back.next('order:update')).toMatchObject({ orderId, orderStatus: 'packed' })
    back.close()
    const later = await customer(server, 'ann')
    expect(later.messages('order:update')).toEqual([])
  })

  it('[B27] is cancelled by its customer before it is packed, and the stock is back', async () => {
    const server = await testCommons(addShop)
    const [ann, bob, desk] = [await customer(server, 'ann'), await customer(server, 'bob'), await seller(server)]
    const { orderId } = (await ann.request('order:place', { productId: 'last-record' })).data
    expect((await bob.request('order:cancel', { orderId })).error).toMatchObject({ code: 'FORBIDDEN' })
    await ann.request('order:cancel', { orderId })
    expect(desk.messages('stock:update').map(({ stock }) => stock)).toEqual([0, 1])
    const second = (await bob.request('order:place', { productId: 'last-record' })).data
    await desk.request('order:advance', { orderId: second.orderId })
    expect((await bob.request('order:cancel', { orderId: second.orderId })).error).toMatchObject({ code: 'CONFLICT' })
  })

  it('[B18] [G3] a repeat under its key buys nothing twice', async () => {
    const server = await testCommons(addShop)
    const ann = await customer(server, 'ann')
    const key = 'the-key-of-one-purchase'
    const first = await ann.request('order:place', { productId: 'tea-pot' }, { key })
    const again = await ann.request('order:place', { productId: 'tea-pot' }, { key })
    expect(again.data.orderId).toBe(first.data.orderId)
    expect((await ann.request('order:list')).data.orders).toHaveLength(1)
  })
})

describe('the desk', () => {
  it('[B27] is closed to customers, and sets what is in stock for everyone', async () => {
    const server = await testCommons(addShop)
    const bob = await server.connect({ namespace: '/seller', user: 'bob' })
    expect(bob.closed).toMatchObject({ code: 4003 })
    const ann = await server.connect({ user: 'ann' })
    await ann.request('product:view', { productId: 'last-record' })
    const desk = await seller(server)
    await desk.request('inventory:set', { productId: 'last-record', stock: 3 })
    expect(await ann.next('stock:update')).toMatchObject({ productId: 'last-record', stock: 3 })
    expect((await desk.request('inventory:set', { productId: 'last-record', stock: -1 })).error).toMatchObject({
      field: 'stock',
    })
    expect((await desk.request('inventory:list')).data.products).toHaveLength(6)
  })
})

describe('support', () => {
  it('[B27] is asked by a customer, comes into their room, and closes it', async () => {
    const server = await testCommons(addShop)
    const sue = { sub: 'sue', role: 'support' }
    const waiting = await server.connect({ namespace: '/support', user: sue })
    const ann = await customer(server, 'ann')
    const { roomId } = (await ann.request('help:ask')).data
    await ann.request('room:join', { roomId })
    await ann.request('message:send', { roomId, content: 'Where is my lamp?' })
    expect(await waiting.next('help:asked')).toMatchObject({ roomId, userId: 'ann', name: 'ann' })
    expect((await waiting.request('help:list')).data.requests).toMatchObject([{ roomId }])

    const helper = await server.connect({ namespace: '/customer', user: sue })
    await helper.request('room:join', { roomId })
    const { events } = (await helper.request('history:get', { roomId })).data
    expect(events.map(({ type }: { type: string }) => type)).toEqual(['help:state', 'chat:message'])
    await helper.request('message:send', { roomId, content: 'On its way' })
    expect(ann.messages('chat:message').at(-1)).toMatchObject({ content: 'On its way', userId: 'sue' })
    await helper.request('help:close', { roomId })
    expect(await waiting.next('help:closed')).toMatchObject({ roomId })
    expect(ann.messages('help:state').at(-1)).toMatchObject({ isOpen: false })
  })

  it('[B27] lets no customer into the room of another', async () => {
    const server = await testCommons(addShop)
    const bob = await customer(server, 'bob')
    const roomId = 'help:ann'
    for (const event of ['room:join', 'history:get', 'presence:get', 'help:close']) {
      expect((await bob.request(event, { roomId })).error).toMatchObject({ code: 'FORBIDDEN' })
    }
    expect((await bob.request('message:send', { roomId, content: 'hello' })).error).toMatchObject({ code: 'FORBIDDEN' })
  })
})

it('[B27] [C9] official Socket.IO clients buy, sell and look, each in their namespace', async () => {
  const { url } = await serveCommons(addShop)
  const open = (namespace: string, sub: string, role?: string) => {
    const socket = io(url + namespace, {
      auth: { token: tokenOf(sub, role) },
      transports: ['websocket'],
      forceNew: true,
    })
    onTestFinished(() => void socket.disconnect())
    return socket
  }
  const next = (socket: ReturnType<typeof open>, event: string): Promise<unknown> =>
    new Promise((resolve) => socket.once(event, resolve))
  const page = open('/', 'bob')
  await page.emitWithAck('product:view', { productId: 'reading-lamp' })
  const desk = open('/seller', 'sam', 'seller')
  await desk.emitWithAck('order:list')
  const ann = open('/customer', 'ann')
  const [alert, stock] = [next(desk, 'order:new'), next(page, 'stock:update')]
  const { orderId } = await ann.emitWithAck('order:place', { productId: 'reading-lamp' })
  expect(await alert).toMatchObject({ orderId, userId: 'ann' })
  expect(await stock).toEqual({ productId: 'reading-lamp', stock: 3 })
  const update = next(ann, 'order:update')
  await desk.emitWithAck('order:advance', { orderId })
  expect(await update).toMatchObject({ orderId, orderStatus: 'packed' })
  const refused = open('/seller', 'bob')
  expect(await next(refused, 'connect_error')).toMatchObject({ data: { code: 'FORBIDDEN' } })
})
