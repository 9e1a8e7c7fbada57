/** Two who write at once, two who read, one of whom is away for a while: numbers, and what is replayed. */
import { Client, type Demo, start } from '../demo.ts'

const ROUNDS = 4

export const order: Demo = async (print) => {
  await using server = await start((roomful) => roomful.standardNamespaces(), { ratePerSecond: 0 })
  const open = async (name: string, after?: unknown): Promise<Client> => {
    const client = await Client.open(server.port, name)
    const { data } = await client.ask({ type: 'room:join', roomId: 'lobby', ...(after ? { after } : {}) })
    epoch = (data as { epoch: string }).epoch
    return client
  }
  let epoch = ''
  const [ann, ben, cem, dee] = [await open('Ann'), await open('Ben'), await open('Cem'), await open('Dee')]
  const say = (client: Client, content: string) => client.ask({ type: 'chat:message', roomId: 'lobby', content })
  const talk = (round: number) => Promise.all([say(ann, `A${round}`), say(ben, `B${round}`)])
  for (let round = 1; round <= ROUNDS / 2; round++) await talk(round)
  await dee.until('chat:message', ROUNDS)
  dee.socket.terminate()
  await cem.next('user:left')
  for (let round = ROUNDS / 2 + 1; round <= ROUNDS; round++) await talk(round)
  const last = dee.all('chat:message').at(-1)?.seq
  const back = await open('Dee', { epoch, seq: last })
  const read = (client: Client): string =>
    client
      .all('chat:message')
      .map(({ seq, content }) => `#${seq} ${content}`)
      .join('  ')
  await Promise.all([cem.until('chat:message', 2 * ROUNDS), back.until('chat:message', ROUNDS)])
  const all = read(cem)
  const inParts = `${read(dee)}  ${read(back)}`
  print(`Cem read:                ${all}`)
  print(`Dee, before the cut:     ${read(dee)}`)
  print(`Dee, back after #${last}:      ${read(back)}`)
  print(`the same, in one order:  ${all === inParts}`)
  for (const client of [ann, ben, cem, back]) client.socket.close(1000)
}
