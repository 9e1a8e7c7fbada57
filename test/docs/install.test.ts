/** The two files of docs/install.md say hello, as they stand there. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
const page = readFileSync(new URL('../../docs/install.md', import.meta.url), 'utf8')
const fileOf = (name: string): string => new RegExp(`\`${name}\`\n\n\`\`\`js\n(.*?)\`\`\``, 's').exec(page)?.[1] ?? ''

function run(program: string) {
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', program], { cwd: root })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  return { child, output: () => output }
}

it('says hello between two processes', async () => {
  const port = await freePort()
  const withPort = (text: string): string => text.replace('8080', String(port)).replace('./data', ':memory:')
  const server = run(withPort(fileOf('server.mjs')))
  onTestFinished(() => void server.child.kill())
  await once(server.child.stdout, 'data')
  for (const number of [1, 2]) {
    const client = run(withPort(fileOf('client.mjs')))
    await once(client.child, 'close')
    expect(client.output().split('\n').sort()).toEqual(['', `#${number} Write, by Ben`, "{ status: 'ok' }"])
  }
}, 60_000)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
