/** The two files of docs/install.md say hello, as they stand there. */
import { readFileSync } from 'node:fs'
import { connect } from '@roomful/client'
import { createRoomful, type Roomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'

const page = readFileSync(new URL('../../docs/install.md', import.meta.url), 'utf8')
const AsyncFunction = (async () => undefined).constructor as new (
  ...source: string[]
) => (...args: unknown[]) => Promise<unknown>

/** The file without its imports, which are given. */
function fileOf(name: string): string {
  const [, text = ''] = new RegExp(`\`${name}\`\n\n\`\`\`js\n(.*?)\`\`\``, 's').exec(page) ?? []
  return text.replace(/^import .*\n/, '')
}

it('says hello between a server and a client', async () => {
  const lines: unknown[] = []
  const console = { log: (line: unknown) => lines.push(line) }
  let url = ''
  const create = (): Roomful => {
    const roomful = createRoomful({ data: ':memory:' })
    onTestFinished(() => roomful.close())
    const { listen } = roomful
    roomful.listen = async () => {
      const listening = await listen.call(roomful, { port: 0, host: '127.0.0.1' })
      url = listening.url
      return listening
    }
    return roomful
  }
  await new AsyncFunction('createRoomful', 'console', fileOf('server.mjs'))(create, console)
  const client = fileOf('client.mjs')
  for (let run = 0; run < 2; run++) {
    await new AsyncFunction('connect', 'console', client)(
      (_url: string, options: object) => connect(url, options),
      console,
    )
  }
  expect(lines).toEqual([
    `Roomful on ${url}`,
    '#1 Write, by Ben',
    { status: 'ok' },
    '#2 Write, by Ben',
    { status: 'ok' },
  ])
})
