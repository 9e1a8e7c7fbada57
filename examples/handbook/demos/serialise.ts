/** A broadcast to a thousand clients, turned into text a thousand times and once; and what a Roomful does. */
import { Client, type Demo, start } from '../demo.ts'

const CLIENTS = 1_000
const ROUNDS = 20

export const serialise: Demo = async (print) => {
  const message = { type: 'message', text: 'x'.repeat(500), users: Array.from({ length: 50 }, (_, at) => `user-${at}`) }
  const sent = new Set<string>()
  const send = (text: string): void => void sent.add(text)
  const inside = timed(() => {
    for (let at = 0; at < CLIENTS; at++) send(JSON.stringify(message))
  })
  const before = timed(() => {
    const text = JSON.stringify(message)
    for (let at = 0; at < CLIENTS; at++) send(text)
  })
  print(`JSON.stringify inside the loop: ${inside.toFixed(2)} ms for a broadcast to ${CLIENTS}`)
  print(`JSON.stringify before the loop: ${before.toFixed(2)} ms`)

  await using server = await start()
  const room = await Promise.all(Array.from({ length: 20 }, (_, at) => Client.open(server.port, `User-${at}`)))
  for (const client of room) await client.ask({ type: 'room:join', roomId: 'lobby' })
  let encoded = 0
  const content = 'counted'
  const { stringify } = JSON
  JSON.stringify = (value: unknown) => {
    const text = stringify(value)
    if (text?.includes(content)) encoded++
    return text
  }
  const [sender] = room
  sender?.socket.send(`{"type":"chat:message","roomId":"lobby","content":"${content}"}`)
  for (const client of room) await client.next('chat:message')
  JSON.stringify = stringify
  print(`Roomful, 20 members of a room: the message was encoded ${encoded} time${encoded === 1 ? '' : 's'}`)
  for (const client of room) client.socket.close(1000)
}

/** The median of some rounds, in ms. */
function timed(run: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now()
    run()
    return performance.now() - startedAt
  })
  return times.sort((one, other) => one - other)[ROUNDS / 2] ?? 0
}
