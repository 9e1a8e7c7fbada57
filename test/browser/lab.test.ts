/** The transport lab: four ways in two browsers at once, each measured as it happens. B12. */
import { describe, expect, it } from 'vitest'
import { accessibilityProblems } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import type { Person } from './lib/person.ts'
import { useCommons } from './lib/use-commons.ts'

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

/** In the page: how many colours that are no grey are drawn in a chart, by tenths of the circle of hues. */
function huesOfTheChart(): number {
  const canvas = document.querySelector<HTMLCanvasElement>('[role="img"] canvas')
  const { data } = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] }
  const pixels = new Map<number, number>()
  for (let at = 0; at + 3 < data.length; at += 4) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = data.slice(at, at + 4)
    const [high, low] = [Math.max(red, green, blue), Math.min(red, green, blue)]
    if (alpha < 250 || high - low < 60) continue
    const turn =
      high === red
        ? ((green - blue) / (high - low) + 6) % 6
        : high === green
          ? (blue - red) / (high - low) + 2
          : (red - green) / (high - low) + 4
    const hue = Math.round(turn * 6)
    pixels.set(hue, (pixels.get(hue) ?? 0) + 1)
  }
  return [...pixels.values()].filter((count) => count > 20).length
}

describe.runIf(hasChromium)('the transport lab in Chromium', () => {
  const commons = useCommons()

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
    for (const { page } of [ann, bob]) expect(await page.evaluate(huesOfTheChart)).toBeGreaterThan(2)
    const bytes = await Promise.all(WAYS.map((way) => figure(ann, way, 'Bytes')))
    const [short = 0, long = 0, sse = 0, socket = 0] = bytes
    expect(Math.min(short, long)).toBeGreaterThan(Math.max(sse, socket))
    const requests = await Promise.all(WAYS.map((way) => figure(ann, way, 'Requests')))
    expect(requests.slice(2)).toEqual([2, 2]) // a ticket, and what it opens
    await ann.page.getByRole('button', { name: 'Stop' }).click()
    for (const person of [ann, bob]) person.hasNoTroubles()
  })
})
