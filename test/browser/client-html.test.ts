/** `/client.html` in two real pages: presence live, text as text, back after a cut. A2.6, A2.1, C19, B6. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { guest } from '../outside/lib/client.ts'
import { ROOT } from '../outside/lib/node.ts'
import { CuttableProxy } from '../outside/lib/proxy.ts'
import type { RunningServer } from '../outside/lib/running-server.ts'
import { token } from '../outside/lib/token.ts'
import { hasChromium } from './lib/chromium.ts'
import { ClientPage } from './lib/client-page.ts'
import { openChromium, openServer, restartServer } from './lib/shared.ts'

const SCREENSHOTS = join(ROOT, 'coverage/screenshots')

describe.runIf(hasChromium)('/client.html in Chromium', () => {
  let server: RunningServer
  let browser: Browser
  const open: ClientPage[] = []

  beforeAll(async () => {
    await mkdir(SCREENSHOTS, { recursive: true })
    ;[server, browser] = await Promise.all([openServer(), openChromium()])
  })
  afterAll(async () => {
    await browser?.close()
  })
  afterEach(async () => {
    for (const client of open.splice(0)) await client.page.close()
  })

  async function visitor(): Promise<ClientPage> {
    const context = await browser.newContext({ viewport: { width: 900, height: 700 } })
    const client = new ClientPage(await context.newPage())
    open.push(client)
    return client
  }

  it('[A2.6] two pages see each other come, talk and go, live', async () => {
    const [ann, ben] = [await visitor(), await visitor()]
    await ann.connect(server.http, 'Ann')
    await ann.join('lobby')
    await ann.sees('Ann')
    await ben.connect(server.http, 'Ben')
    await ben.join('lobby')
    for (const client of [ann, ben]) {
      await client.sees('Ann')
      await client.sees('Ben')
    }
    await ann.say('Hello from Ann')
    await ben.log.getByText('Hello from Ann').waitFor()
    await ann.page.screenshot({ path: join(SCREENSHOTS, 'client-ann.png') })
    await ben.page.screenshot({ path: join(SCREENSHOTS, 'client-ben.png') })
    await ben.page.close()
    await ann.seesNoMore('Ben')
    expect(ann.troubles).toEqual([])
  })

  it('[A2.6] a program with a bare WebSocket is seen as well', async () => {
    const ann = await visitor()
    await ann.connect(server.http, 'Ann')
    await ann.join('mixed')
    const program = await guest(server, 'Program')
    program.send({ type: 'join', room: 'mixed' })
    await ann.sees('Program')
    program.send({ type: 'message', text: 'beep' })
    await ann.log.getByText('beep').waitFor()
    await program.terminate()
    await ann.seesNoMore('Program')
  })

  it('[A2.6] [A2.3] with a token it comes in as that user, with a bad one it says why not', async () => {
    const known = await visitor()
    await known.connect(server.http, '', token({ sub: 'tok', name: 'Token Holder' }))
    await known.join('members')
    await known.sees('Token Holder')
    const bad = await visitor()
    await bad.page.goto(`${server.http}/client.html`)
    await bad.page.getByLabel(/token/i).first().fill('rubbish')
    await bad.page.getByRole('button', { name: /^connect/i }).click()
    await bad.page
      .getByText(/4001|authentication|token/i)
      .last()
      .waitFor()
    expect(bad.troubles).toEqual([])
  })

  it('[C19] HTML in names, rooms and messages is shown as text', async () => {
    const ann = await visitor()
    const evil = '<img src=x onerror="document.title=\'hacked\'">'
    await ann.connect(server.http, 'Ann')
    await ann.join('<b>bold room</b>')
    const program = await guest(server, `${evil}name`)
    program.send({ type: 'join', room: '<b>bold room</b>' })
    await program.next('joined')
    program.send({ type: 'message', text: `${evil}<script>document.title='hacked'</script> said` })
    await ann.log.getByText(evil, { exact: false }).first().waitFor()
    await ann.sees(evil)
    await ann.page.screenshot({ path: join(SCREENSHOTS, 'client-xss.png') })
    expect(await ann.page.title()).not.toBe('hacked')
    expect(await ann.page.locator('img[src=x], b:has-text("bold room")').count()).toBe(0)
    expect(ann.troubles).toEqual([])
  })

  it('[A2.6] [B6] after a cut of the network it comes back to its room by itself', async () => {
    const proxy = await CuttableProxy.open(server.port)
    try {
      const [ann, ben] = [await visitor(), await visitor()]
      await ann.connect(`http://127.0.0.1:${proxy.port}`, 'Ann')
      await ann.join('cut')
      await ben.connect(server.http, 'Ben')
      await ben.join('cut')
      await ben.sees('Ann')
      proxy.cut()
      await ben.seesNoMore('Ann')
      await ann.page
        .getByText(/reconnect|offline|disconnected|lost/i)
        .first()
        .waitFor()
      await ann.page.screenshot({ path: join(SCREENSHOTS, 'client-offline.png') })
      proxy.mend()
      await ben.sees('Ann')
      await ann.sees('Ben')
      expect(ann.troubles).toEqual([])
    } finally {
      await proxy.close()
    }
  })

  it('[A2.6] [B6] after a restart of the server it comes back to its room by itself', async () => {
    const ann = await visitor()
    await ann.connect(server.http, 'Ann')
    await ann.join('restart')
    await ann.sees('Ann')
    await restartServer('stop')
    const program = await guest(server, 'Watcher')
    program.send({ type: 'join', room: 'restart' })
    await program.next((frame) => frame.type === 'presence_update' && (frame.users as string[]).includes('Ann'), 20_000)
    await ann.sees('Watcher')
  })

  it('[A2.6] it can be used by keyboard and names its parts', async () => {
    const ann = await visitor()
    await ann.page.goto(`${server.http}/client.html`)
    expect(await ann.page.title()).toMatch(/roomful/i)
    const unlabelled = await ann.page
      .locator('input:not([type=hidden]), textarea, select')
      .evaluateAll(
        (fields) =>
          fields.filter(
            (field) => (field as HTMLInputElement).labels?.length === 0 && !field.getAttribute('aria-label'),
          ).length,
      )
    expect(unlabelled).toBe(0)
    expect(await ann.page.locator('html').getAttribute('lang')).toBeTruthy()
  })
})
