/** The transport lab: four ways in two browsers at once, each measured as it happens. B12. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityProblems } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import { Commons } from './lib/commons.ts'
import type { Person } from './lib/person.ts'

const WAYS = ['Short poll', 'Long poll', 'SSE', 'WebSocket']

/** One figure of one way. */
async function figure({ page }: Person, way: string, name: string): Promise<number> {
  const card = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: way }) })
  const text = await card
    .locator('dt', { hasText: new RegExp(`^${name}$`) })
    .locator('+ dd')
    .innerText()
  return Number(text.replace(/[^\d.]/g, ''))
}

describe.runIf(hasChromium)('the transport lab in Chromium', () => {
  let commons: Commons

  beforeAll(async () => {
    commons = await Commons.open()
  })
  afterAll(() => commons?.[Symbol.asyncDispose]())
  afterEach(() => commons.everyoneLeaves())

  it('[B12] every way hears the feed, and what each costs is as one expects', async () => {
    const [ann, bob] = await Promise.all([
      commons.person('Ann', { path: '/lab' }),
      commons.person('Bob', { path: '/lab', phone: true, dark: true }),
    ])
    for (const { page } of [ann, bob]) await page.getByRole('button', { name: 'Start' }).first().click()
    for (const person of [ann, bob]) {
      for (const way of WAYS)
        await expect.poll(() => figure(person, way, 'Events'), { timeout: 30_000 }).toBeGreaterThan(4)
      expect(await accessibilityProblems(person.page)).toEqual([])
    }
    const bytes = await Promise.all(WAYS.map((way) => figure(ann, way, 'Bytes')))
    const [short = 0, long = 0, sse = 0, socket = 0] = bytes
    expect(Math.min(short, long)).toBeGreaterThan(Math.max(sse, socket))
    const requests = await Promise.all(WAYS.map((way) => figure(ann, way, 'Requests')))
    expect(requests.slice(2)).toEqual([2, 2]) // a ticket, and what it opens
    await ann.page.getByRole('button', { name: 'Stop' }).click()
    for (const person of [ann, bob]) person.hasNoTroubles()
  })
})
