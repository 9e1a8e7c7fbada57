/** The wake-up of a phone's application, with a real client and server; the rest is tested by test/install/expo.test.ts. */
import { connect } from '@roomful/client'
import { createRoomful } from '@roomful/server'
import { expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { wakeWith } from './wake.ts'

/** Stands for `AppState` and `NetInfo`. */
class Phone {
  isOffline = false
  readonly sockets: WebSocket[] = []
  private readonly listeners = new Set<(change: string | { isConnected: boolean }) => void>()

  readonly onWake = wakeWith(
    {
      addEventListener: (_type, listener) => ({
        remove: this.listen((each) => typeof each === 'string' && listener(each)),
      }),
    },
    { addEventListener: (listener) => this.listen((each) => typeof each !== 'string' && listener(each)) },
  )

  get listenerCount(): number {
    return this.listeners.size
  }

  say(change: string | { isConnected: boolean }): void {
    for (const listener of this.listeners) listener(change)
  }

  private listen(listener: (change: string | { isConnected: boolean }) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}

it.each([
  ['the application is in front again', 'active'],
  ['the network is back', { isConnected: true }],
])('connects at once when %s', async (_when, change) => {
  const roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
  onTestFinished(() => roomful.close())
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  const phone = new Phone()
  class Socket extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(phone.isOffline ? 'ws://127.0.0.1:9' : address, protocols)
      phone.sockets.push(this)
    }
  }
  const client = connect(url, {
    ...{ namespace: '/public', name: 'Phone', onWake: phone.onWake, transports: ['websocket'], WebSocket: Socket },
    random: () => 0.999, // waits as long as it can, so that only the wake-up ends it soon
  })
  await client.room('lobby').ready
  phone.isOffline = true
  phone.sockets.at(-1)?.terminate()
  await vi.waitFor(() =>
    expect(client.state).toMatchObject({ status: 'waiting', failures: expect.toSatisfy((n) => n >= 2) }),
  )
  phone.isOffline = false
  phone.say('background')
  phone.say({ isConnected: false })
  expect(client.state.status).toBe('waiting')
  phone.say(change)
  expect(client.state.status).toBe('connecting')
  await vi.waitFor(() => expect(client.state.status).toBe('open'))
  client.close()
  expect(phone.listenerCount).toBe(0)
})
