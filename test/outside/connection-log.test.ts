/** One structured line when a connection opens and one when it ends. B32, C14. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Client, dial, guest, user } from './lib/client.ts'
import { frame, openRaw, TEXT } from './lib/raw.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { until } from './lib/wait.ts'

let server: Server
let proxied: Server
beforeAll(async () => {
  ;[server, proxied] = await Promise.all([
    Server.start({ env: UNLIMITED }),
    Server.start({ env: { ...UNLIMITED, TRUST_PROXY: '1' } }),
  ])
})
afterAll(() => Promise.all([server.dispose(), proxied.dispose()]))

const idOf = (client: Client): string => client.received.find((frame) => frame.type === 'welcome')?.id as string

/** Log lines about a connection, once there are `count`. */
async function linesAbout(target: Server, id: string, count: number): Promise<Record<string, unknown>[]> {
  const about = (): Record<string, unknown>[] => target.logs.filter((line) => line.connectionId === id)
  return await until(() => (about().length >= count ? about() : undefined), { what: `${count} log lines about ${id}` })
}

it('[B32] opening and closing are a line each: time, id, address, agent, auth, reason, duration', async () => {
  const client = dial(server, '/ws/public?name=logged', { headers: { 'User-Agent': 'outside-agent/1.0' } })
  await client.next('welcome')
  await client.settled()
  await client.close()
  const lines = await linesAbout(server, idOf(client), 2)
  expect(lines).toHaveLength(2)
  const [opened, closed] = lines
  for (const line of [opened, closed]) {
    expect(line).toMatchObject({
      time: expect.anything(),
      ip: expect.stringMatching(/127\.0\.0\.1/),
      userAgent: 'outside-agent/1.0',
    })
  }
  expect(closed).toMatchObject({ reason: expect.anything(), durationMs: expect.any(Number) })
  expect(closed?.durationMs as number).toBeLessThan(10_000)
})

it('[B32] auth tells the authenticated from the anonymous', async () => {
  const [known, anonymous] = [await user(server, 'log-known'), await guest(server, 'log-guest')]
  await Promise.all([known.close(), anonymous.close()])
  const auth = async (client: Client): Promise<unknown> => (await linesAbout(server, idOf(client), 2)).at(-1)?.auth
  const [one, two] = [await auth(known), await auth(anonymous)]
  expect(one).toBeDefined()
  expect(two).toBeDefined()
  expect(one).not.toEqual(two)
})

it('[B32] [C14] a cut cable is told from a clean close: 1006', async () => {
  const client = await user(server, 'log-cut')
  await client.terminate()
  const lines = await linesAbout(server, idOf(client), 2)
  expect(JSON.stringify(lines.at(-1))).toMatch(/1006/)
})

it('[B32] bytes that are no frames are logged with the code with which they were refused', async () => {
  const raw = await openRaw(server.port, '/ws/public?name=broken')
  const welcome = await until(() => raw.frames[0], { what: 'a welcome' })
  const { id } = JSON.parse(String(welcome.payload)) as { id: string }
  raw.write(frame(TEXT, 'x', { mask: false }))
  expect(await raw.closeCode()).toBe(1002)
  expect((await linesAbout(server, id, 2)).at(-1)).toMatchObject({ reason: '1002' })
  raw.destroy()
})

it('[B32] an address is not believed without a trusted proxy', async () => {
  const client = dial(server, '/ws/public', {
    headers: { 'X-Forwarded-For': '203.0.113.99', 'X-Real-IP': '203.0.113.98', Forwarded: 'for=203.0.113.97' },
  })
  await client.next('welcome')
  await client.close()
  for (const line of await linesAbout(server, idOf(client), 2)) expect(line.ip).toMatch(/127\.0\.0\.1/)
})

it('[B32] behind a trusted proxy the address is the one that the proxy saw, not what the client claims', async () => {
  const client = dial(proxied, '/ws/public', { headers: { 'X-Forwarded-For': '198.51.100.66, 203.0.113.5' } })
  await client.next('welcome')
  await client.close()
  for (const line of await linesAbout(proxied, idOf(client), 2)) expect(line.ip).toBe('203.0.113.5')
})

it('[B32] user agents and addresses cannot forge lines', async () => {
  const client = dial(server, '/ws/public', {
    headers: { 'User-Agent': 'x"} {"connectionId":"forged","level":"error"' },
  })
  await client.next('welcome')
  await client.close()
  await linesAbout(server, idOf(client), 2)
  expect(server.logs.filter((line) => line.connectionId === 'forged')).toEqual([])
})

it('[B38] [B32] what people say is not in the log', async () => {
  const client = await user(server, 'log-private')
  await client.ok('chat:message', { roomId: 'log', content: 'unloggable-7f3a' })
  await client.refused('chat:message', { roomId: 'log', content: 7 })
  await client.close()
  await linesAbout(server, idOf(client), 2)
  expect(server.output).not.toContain('unloggable-7f3a')
})
