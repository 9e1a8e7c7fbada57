/** Why Node warns of a leak of listeners, how the place is found, and that ours stay as many as they were. */
import { EventEmitter } from 'node:events'
import { Client, type Demo, start } from '../demo.ts'

const CONNECTIONS = 100

export const listeners: Demo = async (print) => {
  const prices = new EventEmitter()
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)

  print('A listener for each connection on what all connections share')
  const onConnection = (): void => void prices.on('price', () => 'send it')
  for (let at = 0; at < 20; at++) onConnection()
  await new Promise((resolve) => setImmediate(resolve)) // warnings come later
  const [warning] = warnings
  print(`  ${warning?.name}: ${warning?.message.split('. ')[0]}`)
  print(`  added at: ${/at (onConnection)/.exec(String(warning?.stack))?.[1]}`)
  print(`  there are ${prices.listenerCount('price')}, of connections that may be long gone`)

  print('Mended: each takes its own away')
  prices.removeAllListeners()
  for (let at = 0; at < 20; at++) {
    const send = (): string => 'send it'
    prices.on('price', send)
    prices.off('price', send) // in the disconnect handler
  }
  print(`  there are ${prices.listenerCount('price')}`)
  process.off('warning', onWarning)

  print(`Roomful, ${CONNECTIONS} connections that come and go`)
  await using server = await start((roomful) => roomful.standardNamespaces(), {
    maxConnectionsPerIp: 0,
    connectsPerMinute: 0,
  })
  const before = listenersOf(process)
  for (let at = 0; at < CONNECTIONS; at++) {
    const client = await Client.open(server.port, `Ann-${at}`)
    client.socket.terminate()
    await client.closed
  }
  const after = listenersOf(process)
  print(`  listeners of the process before: ${before}, after: ${after}${after === before ? ', as many' : ''}`)
}

function listenersOf(emitter: EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
}
