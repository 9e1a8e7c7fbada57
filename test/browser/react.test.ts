/** The example's two pages under Strict Mode, with our hooks and with the official Socket.IO client, in one room. B21, D5. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, startApplication } from '../../examples/react/server.ts'
import { hasChromium, seriousTroublesOf } from './lib/chromium.ts'
import { openChromium } from './lib/shared.ts'

describe.runIf(hasChromium)('[B21] React pages in Chromium', () => {
  let browser: Browser
  let application: Application
  const opened: string[] = []
  const moves: string[] = []

  beforeAll(async () => {
    application = await startApplication(0)
    const namespace = application.roomful.get('/')
    namespace.hook('connect', ({ user }) => opened.push(user.name))
    namespace.hook('join', ({ user }, roomId) => moves.push(`+${user.name} ${roomId}`))
    namespace.hook('leave', ({ user }, roomId) => moves.push(`-${user.name} ${roomId}`))
    browser = await openChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await application?.close()
  })

  async function openPage(path: string, name: string): Promise<{ page: Page; troubles: string[] }> {
    const page = await browser.newPage()
    const troubles = seriousTroublesOf(page)
    await page.goto(`${application.url}${path}?name=${name}`)
    await page.getByText('open, here:').waitFor()
    return { page, troubles }
  }

  it('one connection and one join each; what one says is on both, once and in order; who goes is gone', async () => {
    const ann = await openPage('/', 'Ann')
    await ann.page.getByText('here: Ann').waitFor()
    const bob = await openPage('/socketio', 'Bob')
    for (const { page } of [ann, bob]) await page.getByText('here: Ann, Bob').waitFor()
    expect(opened).toEqual(['Ann', 'Bob'])
    expect(moves).toEqual(['+Ann lobby', '+Bob lobby'])

    for (const [{ page }, said] of [
      [ann, 'from the hooks'],
      [bob, 'from Socket.IO'],
    ] as const) {
      await page.getByLabel('Message').fill(said)
      await page.getByRole('button', { name: 'Send' }).click()
      for (const { page: each } of [ann, bob]) await each.getByText(said).waitFor()
    }
    for (const { page } of [ann, bob]) {
      expect(await page.getByRole('listitem').allInnerTexts()).toEqual(['Ann: from the hooks', 'Bob: from Socket.IO'])
    }

    await bob.page.reload()
    await bob.page.getByText('from Socket.IO').waitFor()
    expect(await bob.page.getByRole('listitem').count()).toBe(2)
    await ann.page.close()
    await bob.page.getByText(/here: Bob$/).waitFor()
    expect(opened).toEqual(['Ann', 'Bob', 'Bob'])
    for (const { troubles } of [ann, bob]) expect(troubles).toEqual([])
  })
})
