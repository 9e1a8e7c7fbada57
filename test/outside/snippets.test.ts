/** The snippets that C1, C2 and C11 give for bare WebSockets, unmodified, against the server. The browser runs them too. */
import { describe, expect, it } from 'vitest'
import { dial, user } from './lib/client.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { snippet, stage } from './lib/snippet.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'
import { until } from './lib/wait.ts'

const server = useServer({ env: UNLIMITED })

describe.each([
  ['/ws/public', () => `${server.ws}/ws/public`],
  ['/ws with a token', () => `${server.ws}/ws?token=${token({ sub: 'snippet' })}`],
])('the native client on %s', (_where, url) => {
  it('[C1] opens, receives JSON only, and closes 1000 Goodbye', async () => {
    const { logged, run } = stage(url())
    run(snippet('lifecycle'))
    const received = (type: string): boolean =>
      logged.some(([what, data]) => what === 'Received:' && (data as { type: string }).type === type)
    await until(() => received('welcome') && received('error'), { what: 'welcome, and an answer to {type:hello}' })
    expect(logged[0]).toEqual(['Connected to server'])
    run(snippet('ready-states'))
    run(snippet('binary'))
    run(snippet('blob'))
    await until(
      () =>
        logged.filter(([what, data]) => what === 'Received:' && (data as { type: string }).type === 'error').length >=
        4,
    )
    run(snippet('close'))
    await until(() => logged.some(([line]) => String(line).startsWith('Disconnected: code=1000')), {
      what: 'a clean close',
    })
    expect(logged.filter(([line]) => line === 'WebSocket error:')).toEqual([])
  })
})

it('[C1] text, ArrayBuffer and Blob go through /ws/echo unharmed', async () => {
  const { run } = stage(`${server.ws}/ws/echo`)
  run('globalThis.back = []')
  run("const ws = new WebSocket('wss://example.com/ws'); ws.onmessage = (event) => back.push(event.data)")
  await until(() => run('ws.readyState === 1'))
  for (const name of ['ready-states', 'binary', 'blob']) run(snippet(name))
  await until(() => run('back.length === 3') as boolean)
  const [text, float, blob] = run('back') as [string, Blob, Blob]
  expect(text).toBe('Server echo: Hello!')
  expect(new DataView(await float.arrayBuffer()).getFloat64(0)).toBe(3.14)
  expect(await blob.text()).toBe('hello')
})

it('[C2] ReconnectingWebSocket connects, and comes back after a restart of the server', {
  timeout: 60_000,
}, async () => {
  let own = await Server.start({ env: UNLIMITED })
  const { data, port } = own
  const { logged, run } = stage(`${own.ws}/ws/public`)
  const count = (what: string): number => logged.filter(([first]) => first === what).length
  try {
    run(snippet('reconnecting'))
    await until(() => count('Message:') >= 1)
    expect(count('Connected!')).toBe(1)
    await own.stop()
    await until(() => count('Closed:') >= 1)
    expect(logged.find(([what]) => what === 'Closed:')).toEqual(['Closed:', 1012])
    own = await Server.start({ data, port, env: UNLIMITED })
    await until(() => count('Connected!') >= 2, { timeoutMs: 15_000, what: 'the second connection' })
    run('ws.maxRetries = 0; ws.close()')
    await until(() => count('Closed:') >= 2)
  } finally {
    run('ws.maxRetries = 0; ws.close()')
    await own.dispose()
  }
})

it('[C11] sendWithAck resolves with the acknowledgement, and rejects when none comes', async () => {
  const client = await user(server, 'acked')
  const { run } = stage('', { socket: client.socket })
  run(snippet('ack'))
  const join = (await run("sendWithAck(socket, 'room:join', { roomId: 'ack' })")) as Record<string, unknown>
  expect(join).toMatchObject({ status: 'ok', roomId: 'ack' })
  const sent = (await run("sendWithAck(socket, 'chat:message', { roomId: 'ack', content: 'acknowledged' })")) as Record<
    string,
    unknown
  >
  expect(sent).toMatchObject({ status: 'ok', seq: 1 })
  const failed = (await run("sendWithAck(socket, 'chat:message', { roomId: 'ack' })")) as Record<string, unknown>
  expect(failed).toMatchObject({ status: 'error', code: 'INVALID_MESSAGE' })
  expect(run('pendingMessages.size')).toBe(0)
})

it('[C10] the required messages, letter by letter', async () => {
  const [writer, reader] = [dial(server, '/ws'), await user(server, 'u9')]
  await reader.ok('room:join', { roomId: 'abc' })
  await writer.next('welcome')
  writer.sendRaw(`{ "type": "auth", "token": "${token({ sub: 'u1' })}" }`)
  await writer.next('auth_ok')
  await reader.next({ type: 'presence:update', userId: 'u1', status: 'online' })
  await writer.ok('room:join', { roomId: 'abc' })
  expect(await reader.next('user:joined')).toMatchObject({ type: 'user:joined', userId: 'u1' })
  writer.sendRaw('{ "type": "typing:start", "roomId": "abc" }')
  await reader.next({ type: 'user:typing', userId: 'u1' })
  writer.sendRaw('{ "type": "chat:message", "roomId": "abc", "content": "Hello" }')
  expect(await reader.next('chat:message')).toMatchObject({
    type: 'chat:message',
    id: expect.anything(),
    userId: 'u1',
    content: 'Hello',
    ts: expect.any(Number),
  })
})
