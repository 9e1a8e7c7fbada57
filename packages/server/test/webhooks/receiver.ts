/** A backend that takes webhooks, for one test. */
import { onTestFinished } from 'vitest'
import { openReceiver, type Receiver } from './open-receiver.ts'

export { type Receiver, WEBHOOK_SECRET } from './open-receiver.ts'

export async function startReceiver(port = 0): Promise<Receiver> {
  const receiver = await openReceiver(port)
  onTestFinished(() => receiver.close())
  return receiver
}
