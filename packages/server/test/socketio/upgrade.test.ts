/** The moment between two transports, step by step, while others keep talking. C9. */
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { connect, serve, token } from './serve.ts'

const MESSAGES = 100

/** Numbers of the messages in a packet, if it is one. */
function seqsIn(packets: string): number[] {
  return packets.split('\u001e').flatMap((packet) => {
    if (!packet.startsWith('42["message:new"')) return []
    const [, { seq }] = JSON.parse(packet.slice(2)) as [string, { seq: number }]
    return [seq]
  })
}

it('[C9] [J15] loses and repeats nothing while a client changes over from polls to a WebSocket', async () => {
  const { url } = await serve({ ratePerSecond: 0, ratePerMinute: 0 })
  const ben = await connect(url, 'websocket', 'ben')
  const base = `${url}/socket.io/?EIO=4&transport=polling`
  const { sid } = JSON.parse((await (await fetch(base)).text()).slice(1)) as { sid: string }
  const session = `${base}&sid=${sid}`
  const poll = async (): Promise<string> => (await fetch(session)).text()
  const post = (body: string) => fetch(session, { method: 'POST', body })
  await post(`40{"token":"${await token('ann')}"}`)
  let told = ''
  while (!told.includes('40{')) told = await poll()
  await post('421["room:join","a"]')
  while (!told.includes('431[')) told = await poll()

  const sent = (async () => {
    for (let i = 0; i < MESSAGES; i++) await ben.emitWithAck('message:send', { roomId: 'a', content: `${i}` })
  })()
  const heard: number[] = []
  while (heard.length < 10) heard.push(...seqsIn(await poll()))
  const socket = new WebSocket(`${session.replace('http', 'ws').replace('polling', 'websocket')}`)
  await new Promise((resolve) => socket.once('open', resolve))
  const all = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      heard.push(...seqsIn(data.toString()))
      if (heard.length >= MESSAGES) resolve()
    })
  })
  const probed = new Promise((resolve) => socket.once('message', (data: Buffer) => resolve(data.toString())))
  socket.send('2probe')
  expect(await probed).toBe('3probe')
  heard.push(...seqsIn(await poll()))
  socket.send('5')
  await sent
  await all
  expect(heard).toEqual(Array.from({ length: MESSAGES }, (_, i) => i + 1))
  expect((await fetch(session)).status).toBe(400)
  socket.close()
})
