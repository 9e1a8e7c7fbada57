/** The receiver with a real server of Roomful and real encryption; the push service alone is the test's. */
import { createECDH, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createRoomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'
import webPush, { type PushSubscription } from 'web-push'
import { createReceiver } from './receiver.ts'

it('sends a user who is away a notification for a private message and a mention, each once', async () => {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const vapidDetails = { subject: 'mailto:admin@example.org', ...webPush.generateVAPIDKeys() }
  const sent: { title: string; body: string }[] = []
  const receiver = createReceiver({
    secret,
    publicKey: vapidDetails.publicKey,
    push: async (device, payload) => {
      const { body, headers } = webPush.generateRequestDetails(device, payload, { vapidDetails })
      expect(headers).toMatchObject({
        'Content-Encoding': 'aes128gcm',
        Authorization: expect.stringContaining('vapid'),
      })
      expect(body?.length).toBeGreaterThan(payload.length)
      sent.push(JSON.parse(payload) as (typeof sent)[number])
      return true
    },
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void receiver.close())
  await once(receiver, 'listening')
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  expect(await (await fetch(`${url}/key`)).text()).toBe(vapidDetails.publicKey)
  expect((await fetch(`${url}/hooks/roomful`, { method: 'POST', body: '{}' })).status).toBe(400) // not signed

  const roomful = createRoomful({ data: ':memory:', webhookUrl: `${url}/hooks/roomful`, webhookSecret: secret }).standardNamespaces() // biome-ignore format: one call
  onTestFinished(() => roomful.close())
  await roomful.start()
  const ben = await roomful.createAccount({ username: 'ben', password: 'a long password' })
  const subscription = device()
  const body = JSON.stringify({ userId: ben.sub, subscription })
  expect((await fetch(`${url}/subscriptions`, { method: 'POST', body })).status).toBe(201)
  const message = { userId: 'ann', name: 'Ann', content: `lunch, @${ben.sub}?` }
  await roomful.get('/').publish('lobby', 'message:new', [message])
  await expect.poll(() => sent).toEqual([{ title: 'Ann mentioned you', body: message.content }])
})

function device(): PushSubscription {
  const keys = createECDH('prime256v1')
  const p256dh = keys.generateKeys().toString('base64url')
  return { endpoint: 'https://push.example.org/1', keys: { p256dh, auth: randomBytes(16).toString('base64url') } }
}
