/** Event streams behind nginx as it is when nobody configured it for them: passed on at once, and cut so that readers come back. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@roomful/client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readers } from '../../packages/server/test/fallbacks/readers.ts'
import { type Message, serve, until } from '../../packages/server/test/fallbacks/serving.ts'
import { startPlainNginx } from './nginx.ts'

const names = Object.keys(readers)

function read(name: string, url: string) {
  const heard: Message[] = []
  const over: string[] = []
  const onMessage = (data: string): void => void heard.push(JSON.parse(data))
  const close = readers[name]?.(url, { onMessage, onOver: (why) => over.push(why) }) ?? (() => undefined)
  onTestFinished(close)
  return { heard, over, close, contents: () => heard.flatMap(({ content }) => content ?? []) }
}

async function say(url: string, content: string): Promise<void> {
  const body = JSON.stringify({ type: 'chat:message', roomId: 'lobby', content })
  const response = await fetch(`${url}/send/public?name=Ben`, { method: 'POST', body })
  if (!response.ok) throw new Error(await response.text())
}

/** One behind the other, the last of them in front of the server. */
async function startNginxes(port: number, count: number, more = ''): Promise<string> {
  let [url, upstream] = ['', port]
  for (let i = 0; i < count; i++) {
    const nginx = await startPlainNginx(upstream, more)
    onTestFinished(() => nginx.stop())
    ;({ url, port: upstream } = nginx)
  }
  return url
}

describe('[B8] [C17] event streams', () => {
  it.each([
    ['one nginx', 1, ''],
    ['two nginx that speak HTTP/1.1 to what is behind them', 2, 'proxy_http_version 1.1;'],
  ])('[V23] [D2] [D9] [G7] behind %s come at once, and come back after a restart', async (_, count, more) => {
    const folder = mkdtempSync(join(tmpdir(), 'roomful-nginx-data-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const data = join(folder, 'rooms.db')
    const first = await serve({ data })
    const url = await startNginxes(first.port, count, more)
    const all = names.map((name) => read(name, `${url}/sse/public?room=lobby&name=${encodeURIComponent(name)}`))
    await until('everyone', () => all.every(({ heard }) => heard.some(({ type }) => type === 'room:joined')))
    await say(first.url, 'before')
    await until('the first', () => all.every(({ contents }) => contents().length === 1))
    await first.roomful.close()
    const second = await serve({ data, port: first.port })
    await say(second.url, 'missed')
    await until('what was missed', () => all.every(({ contents }) => contents().length === 2))
    await say(second.url, 'after')
    await until('the last', () => all.every(({ contents }) => contents().length === 3))
    for (const [at, { over, contents }] of all.entries()) {
      expect([names[at], contents(), over]).toEqual([names[at], ['before', 'missed', 'after'], []])
    }
    for (const { close } of all) close()
  })

  it('two nginx that speak HTTP/1.0 hold streams back, and the SDK polls', async () => {
    const { port } = await serve()
    const url = await startNginxes(port, 2)
    const stream = read('eventsource 5', `${url}/sse/public?room=lobby&name=Ann`)
    const client = connect(url, { namespace: '/public', name: 'Ben' })
    onTestFinished(() => client.close())
    const room = client.room('lobby')
    const heard: string[] = []
    room.on('message:new', ({ content }) => heard.push(content))
    await room.ready
    await room.send('hello')
    await until('the message', () => heard.length === 1)
    expect(client.state).toMatchObject({ status: 'open', transport: 'poll' })
    expect(stream.heard).toEqual([])
  })
})
