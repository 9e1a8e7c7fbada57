/** A page of Commons has one WebSocket, however many namespaces it uses. */
import type { Page, WebSocket } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { hasChromium } from './lib/chromium.ts'
import { useCommons } from './lib/use-commons.ts'

interface Counted {
  readonly urls: string[]
  /** Namespaces that were opened over any of them. */
  readonly namespaces: Set<string>
}

function count(page: Page): Counted {
  const counted: Counted = { urls: [], namespaces: new Set() }
  page.on('websocket', (socket: WebSocket) => {
    counted.urls.push(socket.url())
    socket.on('framesent', ({ payload }) => {
      const opened = /"type":"open".*?"ns":"([^"]+)"/.exec(String(payload))
      if (opened?.[1] !== undefined) counted.namespaces.add(opened[1])
    })
  })
  return counted
}

/** As a link of the page does it, without loading the page again. */
const goTo = (page: Page, path: string): Promise<void> => page.evaluate((to) => history.pushState(null, '', to), path)

describe.runIf(hasChromium)('[C17] the WebSockets of a page', () => {
  const commons = useCommons()

  it('are one for a member, whatever namespaces its pages use', async () => {
    const { page, troubles } = await commons.person('One Socket')
    const { urls, namespaces } = count(page)
    await page.reload()
    await page.getByRole('heading', { name: /^Hello/ }).waitFor()
    await expect.poll(() => [...namespaces].sort()).toEqual(['/', '/notifications', '/public'])
    await goTo(page, '/shop/orders')
    await expect.poll(() => namespaces.has('/customer'), { timeout: 10_000 }).toBe(true)
    await goTo(page, '/documents')
    await expect.poll(() => namespaces.has('/documents'), { timeout: 10_000 }).toBe(true)
    await goTo(page, '/shop')
    await page.getByRole('heading', { name: 'Shop' }).first().waitFor()
    expect(urls).toHaveLength(1)
    expect(troubles).toEqual([])
  })

  it('are one for a guest', async () => {
    const { page, troubles } = await commons.person('One Guest', { guest: true })
    const { urls, namespaces } = count(page)
    await page.reload()
    await page.getByRole('heading', { name: /^Hello/ }).waitFor()
    await expect.poll(() => [...namespaces]).toEqual(['/public'])
    await goTo(page, '/rooms')
    await page.getByRole('heading', { name: 'Rooms' }).first().waitFor()
    expect(urls).toHaveLength(1)
    expect(troubles).toEqual([])
  })
})
