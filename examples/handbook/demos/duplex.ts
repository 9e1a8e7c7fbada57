/** The same two questions, the first of which takes long, over one HTTP connection and over one WebSocket. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Client, type Demo, start } from '../demo.ts'

const SLOW_MS = 60

export const duplex: Demo = async (print) => {
  await using server = await start((roomful) => {
    const desk = roomful.namespace('/desk', undefined, { guests: true })
    roomful.chat(desk)
    desk.on('slow', () => new Promise((resolve) => roomful.clock.after(SLOW_MS, () => resolve({ status: 'done' }))))
  })

  print('One HTTP/1.1 connection: ask for what is not there yet, then for the health of the server')
  const cursor = await firstCursor(server.port)
  const waits = `/poll/desk?room=lobby&name=Ann&wait=1&after=${cursor}`
  const http = connect(server.port, '127.0.0.1')
  await once(http, 'connect')
  for (const path of [waits, '/health']) http.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  const answers: string[] = []
  let text = ''
  for await (const chunk of http) {
    text += chunk
    if (text.includes('"events"') && answers.length === 0) answers.push('the long poll')
    if (text.includes('"clients"')) answers.push('the health')
    if (answers.length === 2) break
  }
  print(`  answered in this order: ${answers.join(', ')}`)

  print('One WebSocket: ask for what takes long, say something, receive something')
  const ann = await Client.open(server.port, 'Ann', '/ws/desk')
  const ben = await Client.open(server.port, 'Ben', '/ws/desk')
  for (const client of [ann, ben]) await client.ask({ type: 'room:join', roomId: 'lobby' })
  const order: string[] = []
  const slow = ann.ask({ type: 'slow' }).then(() => order.push('the slow answer'))
  const event = ann.next('chat:message').then(() => order.push('a message of Ben'))
  await ben.ask({ type: 'chat:message', roomId: 'lobby', content: 'Hello' })
  await Promise.all([slow, event])
  print(`  arrived in this order: ${order.join(', ')}`)
  for (const client of [ann, ben]) client.socket.close(1000)
}

async function firstCursor(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/poll/desk?room=lobby&name=Ann`)
  const { cursor } = (await response.json()) as { cursor: string }
  return encodeURIComponent(cursor)
}
