/**
 * Run it: `npm run example -- web-push`, and open the address. It starts a server of Roomful and the receiver of its webhooks.
 * Push services are reached over the internet.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createRoomful } from '@roomful/server'
import webPush from 'web-push'
import { createReceiver } from './receiver.ts'

const secret = `whsec_${randomBytes(32).toString('base64')}`
const keys = webPush.generateVAPIDKeys() // a real application keeps them: its subscriptions belong to them
webPush.setVapidDetails('mailto:admin@example.org', keys.publicKey, keys.privateKey)

const receiver = createReceiver({
  secret,
  publicKey: keys.publicKey,
  push: (device, payload) =>
    webPush.sendNotification(device, payload).then(
      () => true,
      ({ statusCode }: { statusCode?: number }) => statusCode !== 404 && statusCode !== 410,
    ),
}).listen(Number(process.env.PORT ?? 3000), 'localhost')
await once(receiver, 'listening')
const { port } = receiver.address() as AddressInfo

const roomful = createRoomful({
  data: ':memory:',
  webhookUrl: `http://localhost:${port}/hooks/roomful`,
  webhookSecret: secret,
  webhookEvents: ['message.private', 'user.mentioned'],
}).standardNamespaces()
const { url } = await roomful.listen({ port: 0 })
console.log(`Open http://localhost:${port} and subscribe as a user. Then write to that user in ${url}/client.html`)
