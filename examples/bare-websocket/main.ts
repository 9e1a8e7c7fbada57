/** Run it: `npm run example -- bare-websocket`. Two people on one board, and what each of them sees. */
import { openBareClient } from './client.ts'
import { startTasks } from './server.ts'

const { url, close } = await startTasks(0)
console.log(`Tasks on ${url}`)

const ann = openBareClient(`${url}?name=Ann`)
const bob = openBareClient(`${url}?name=Bob`)
for (const [who, client] of Object.entries({ ann, bob })) {
  client.send({ type: 'room:join', roomId: 'board:1', id: 'join' })
  const { data } = await client.next((message) => message.ack === 'join')
  console.log(`${who} joined:`, JSON.stringify(data))
}

ann.send({
  type: 'save-task',
  board: 'board:1',
  title: 'Water the plants',
  description: 'Both of them',
  id: 'save',
  key: 'water-1',
})
console.log('bob is told:', JSON.stringify(await bob.next(({ type }) => type === 'task:saved')))
console.log('ann is told:', JSON.stringify((await ann.next((message) => message.ack === 'save')).data))

bob.send({ type: 'save-task', board: 'board:1', title: '', description: '', id: 'bad' })
console.log('and a mistake:', JSON.stringify((await bob.next((message) => message.ack === 'bad')).error))

ann.close()
bob.close()
await close()
