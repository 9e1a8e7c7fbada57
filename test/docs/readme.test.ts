/** The first thing a reader copies runs as it stands. */
import { readFileSync } from 'node:fs'
import { type Client, connect } from '@roomful/client'
import { createRoomful } from '@roomful/server'
import { expect, it } from 'vitest'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

it("the README's session with a bare WebSocket says what its comments say", async () => {
  const [, snippet = ''] = /```js\n(.*?)```/s.exec(readme) ?? []
  await using roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
  const { port } = await roomful.listen({ port: 0 })
  const heard: unknown[][] = []
  await new Promise<void>((resolve) => {
    const log = (...words: unknown[]): void => {
      heard.push(words)
      if (words[0] === 'stored:') resolve()
    }
    new Function('console', snippet.replace('localhost:8080', `localhost:${port}`))({ log })
  })
  expect(heard).toEqual([
    ['here:', [{ userId: expect.stringMatching(/^guest:/), name: 'Ann', status: 'online' }], 'at number', 0],
    ['#1 Ann: Hello!'],
    ['stored:', { status: 'ok', id: 'lobby-1', seq: 1, ts: expect.any(Number) }],
  ])
})

it("the README's session with the SDK talks to the one before it", async () => {
  const [, snippet = ''] = /```ts\nimport \{ connect \} from '@roomful\/client'\n(.*?)```/s.exec(readme) ?? []
  await using roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
  const { port } = await roomful.listen({ port: 0 })
  const heard: unknown[][] = []
  const clients: Client[] = []
  const connectAndKeep = (...args: Parameters<typeof connect>): Client => {
    const client = connect(...args)
    clients.push(client)
    return client
  }
  const body = `return (async () => {${snippet.replace('localhost:8080', `localhost:${port}`)}})()`
  await new Function('connect', 'console', body)(connectAndKeep, { log: (...words: unknown[]) => heard.push(words) })
  expect(heard).toEqual([['#1 Ben: Hello from the SDK']])
  for (const client of clients) client.close()
})
