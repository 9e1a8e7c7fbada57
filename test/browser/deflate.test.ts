/** Chromium's own `WebSocket` with compression: it compresses all that it sends, and reads several compressed messages. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRoomful, type Roomful } from '@roomful/server'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openChromium } from './lib/shared.ts'

let browser: Browser
let pages: Server
let roomful: Roomful
beforeAll(async () => {
  roomful = createRoomful({ data: ':memory:', deflate: true }).standardNamespaces()
  pages = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Compression</title>')
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  browser = await openChromium()
})
afterAll(async () => {
  await browser?.close()
  await roomful?.close()
  pages?.close()
})

it('[W16] [D6] a page reads its own compressed messages and those of others, one after another', async () => {
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  const page = await browser.newPage()
  await page.goto(`http://localhost:${(pages.address() as AddressInfo).port}/`)
  const line = (nth: number): string => `${nth}: ${'a line that repeats itself, '.repeat(30)}`
  const { extensions, heard } = await page.evaluate(
    ([at, ...lines]) => {
      const socket = new WebSocket(`${at}/ws/public?name=Ann`)
      const heard: string[] = []
      return new Promise<{ extensions: string; heard: string[] }>((resolve, reject) => {
        const send = (message: object): void => socket.send(JSON.stringify(message))
        socket.onerror = () => reject(new Error('The WebSocket failed'))
        socket.onclose = ({ code }) => reject(new Error(`The WebSocket was closed with ${code}`))
        socket.onopen = () => send({ type: 'room:join', roomId: 'lobby', id: 1 })
        socket.onmessage = ({ data }) => {
          const { type, ack, content } = JSON.parse(data)
          if (ack === 1) for (const content of lines) send({ type: 'chat:message', roomId: 'lobby', content })
          if (type === 'chat:message') heard.push(content)
          if (heard.length === lines.length) resolve({ extensions: socket.extensions, heard })
        }
      })
    },
    [url.replace('http', 'ws'), line(1), line(2), line(3)] as const,
  )
  expect(extensions).toContain('permessage-deflate')
  expect(heard).toEqual([line(1), line(2), line(3)])
  await page.close()
})
