/** Server push of HTTP/2 is over: the browser refuses it in the first frame that it sends. The handbook cites this. */
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { chromium } from 'playwright-core'
import { generate } from 'selfsigned'
import { expect, it, onTestFinished } from 'vitest'
import { launchChromium } from './lib/chromium.ts'

it('[B7] Chromium speaks HTTP/2 and refuses pushes', async () => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }])
  const server = createSecureServer({ cert, key })
  const mayPush = new Promise<boolean | undefined>((resolve) => {
    server.on('session', (session) => session.once('remoteSettings', ({ enablePush }) => resolve(enablePush)))
  })
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/html' })
    stream.end(`<p>${stream.pushAllowed}</p>`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const engine = await launchChromium(['--ignore-certificate-errors'])
  const browser = await chromium.connect(engine.wsEndpoint())
  onTestFinished(async () => {
    await engine.close()
    server.close()
  })
  const page = await browser.newPage({ ignoreHTTPSErrors: true })
  await page.goto(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  expect(await mayPush).toBe(false)
  expect(await page.textContent('p')).toBe('false')
})
