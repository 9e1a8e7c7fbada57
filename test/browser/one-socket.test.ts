/** The tabs of a person in Commons have one WebSocket, however many namespaces their pages use. */
import type { BrowserContext, Page, WebSocket } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { hasChromium } from './lib/chromium.ts'
import { useCommons } from './lib/use-commons.ts'

interface Counted {
  readonly urls: string[]
  /** Namespaces that were opened over any of them. */
  readonly namespaces: Set<string>
}

/** @param context without shared workers, whose WebSockets the driver does not show */
function count(context: BrowserContext): Counted {
  const counted: Counted = { urls: [], namespaces: new Set() }
  const watch = (page: Page): void => {
    page.on('websocket', (socket: WebSocket) => {
      counted.urls.push(socket.url())
      socket.on('framesent', ({ payload }) => {
        const opened = /"type":"open".*?"ns":"([^"]+)"/.exec(String(payload))
        if (opened?.[1] !== undefined) counted.namespaces.add(opened[1])
      })
    })
  }
  for (const page of context.pages()) watch(page)
  context.on('page', watch)
  return counted
}

/** As a link of the page does it, without loading the page again. */
const goTo = (page: Page, path: string): Promise<void> => page.evaluate((to) => history.pushState(null, '', to), path)

describe.runIf(hasChromium)('[C17] [D13] the WebSockets of all tabs', () => {
  const commons = useCommons()
  const links = async (): Promise<number> => (await (await commons.server.get('/health')).json()).clients

  it('are one for a member, whatever namespaces the pages use', async () => {
    const { context, page, troubles } = await commons.person('One Socket', { withoutWorkers: true })
    const { urls, namespaces } = count(context)
    await page.reload()
    await page.getByRole('heading', { name: /^Hello/ }).waitFor()
    await expect.poll(() => [...namespaces].sort()).toEqual(['/', '/notifications', '/public'])
    await goTo(page, '/shop/orders')
    await expect.poll(() => namespaces.has('/customer'), { timeout: 10_000 }).toBe(true)
    const another = await context.newPage()
    await another.goto('/documents')
    await expect.poll(() => namespaces.has('/documents'), { timeout: 10_000 }).toBe(true)
    await another.locator('[data-connection="open"]:visible').waitFor()
    await goTo(page, '/shop')
    await page.getByRole('heading', { name: 'Shop' }).first().waitFor()
    expect(urls).toHaveLength(1)
    expect(troubles).toEqual([])
  })

  it('are one for a guest', async () => {
    const { context, page, troubles } = await commons.person('One Guest', { guest: true, withoutWorkers: true })
    const { urls, namespaces } = count(context)
    await page.reload()
    await page.getByRole('heading', { name: /^Hello/ }).waitFor()
    await expect.poll(() => [...namespaces]).toEqual(['/public'])
    await goTo(page, '/rooms')
    await page.getByRole('heading', { name: 'Rooms' }).first().waitFor()
    expect(urls).toHaveLength(1)
    expect(troubles).toEqual([])
  })

  it('are one in a shared worker, under the content policy of the page, and none without tabs', async () => {
    await expect.poll(links).toBe(0)
    const ann = await commons.person('One Worker')
    await expect.poll(links).toBe(1)
    const another = await ann.anotherTab('/rooms')
    await another.locator('[data-connection="open"]:visible').waitFor()
    expect(await links()).toBe(1)
    await ann.page.close()
    await another.getByRole('heading', { name: 'Rooms' }).first().waitFor()
    expect(await links()).toBe(1)
    await another.close()
    await expect.poll(links, { timeout: 10_000 }).toBe(0)
    ann.hasNoTroubles()
  })
})
