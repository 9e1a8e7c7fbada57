/** How a browser says who it is: where each way leaves the secret, and what it is worth afterwards. */
import { SignJWT } from 'jose'
import { WebSocket } from 'ws'
import { Client, type Demo, type Message, start } from '../demo.ts'

const SECRET = 'a secret of this page only, which is long enough'

export const credentials: Demo = async (print) => {
  await using server = await start((roomful) => roomful.standardNamespaces(), { jwtSecret: SECRET })
  const origin = `127.0.0.1:${server.port}`
  const token = await new SignJWT({ name: 'Ann' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ann')
    .setExpirationTime('10m')
    .sign(new TextEncoder().encode(SECRET))

  const response = await fetch(`http://${origin}/api/tickets`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
  })
  const { ticket } = (await response.json()) as { ticket: string }
  print(`ticket in the URL:      ${await outcome(new Client(`ws://${origin}/ws?ticket=${ticket}`))}`)
  print(`the same ticket again:  ${await outcome(new Client(`ws://${origin}/ws?ticket=${ticket}`))}`)
  const offered = new WebSocket(`ws://${origin}/ws`, ['roomful.plain', `bearer.${token}`])
  const offering = await outcome(new Client('', offered))
  print(`subprotocol:            ${offering}; the server echoes "${offered.protocol}"`)
  const first = new Client(`ws://${origin}/ws`)
  await first.next('welcome')
  first.send({ type: 'auth', token })
  print(`first message:          ${await outcome(first)}`)
  print(`token in the URL:       ${await outcome(new Client(`ws://${origin}/ws?token=${token}`))}`)
  print(`the same token again:   ${await outcome(new Client(`ws://${origin}/ws?token=${token}`))}`)
}

async function outcome(client: Client): Promise<string> {
  const end = await Promise.race([client.next('auth_ok'), client.closed])
  client.socket.close(1000)
  return 'code' in end ? `closed with ${end.code} ${end.reason}` : `in, as ${(end as Message & Named).user.name}`
}

interface Named {
  readonly user: { readonly name: string }
}
