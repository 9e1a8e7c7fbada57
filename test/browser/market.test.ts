/** The market in real browsers: prices move for everyone alike, and none is missing after the cable was out. B11. */
import { describe, expect, it } from 'vitest'
import { accessibilityProblems } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import type { Person } from './lib/person.ts'
import { useCommons } from './lib/use-commons.ts'

/** How many prices the chart shows, which it says in words. */
async function pricesShown({ page }: Person): Promise<number> {
  const label = (await page.getByRole('img', { name: /Acorn Foods: / }).getAttribute('aria-label')) ?? ''
  return Number(/: (\d+) prices/.exec(label)?.[1])
}

describe.runIf(hasChromium)('the market in Chromium', () => {
  // Charts show the latest 600 events: on a server that is older than 200 s they begin where each page was opened.
  const commons = useCommons({ alone: true })

  it('[B11] [C18] two people see the same prices, also one who was offline for some of them', async () => {
    const [ann, bob] = await Promise.all([
      commons.person('Ann', { path: '/market' }),
      commons.person('Bob', { path: '/market', phone: true, dark: true }),
    ])
    for (const { page } of [ann, bob]) await page.getByRole('img', { name: /Acorn Foods: / }).waitFor()
    const before = await pricesShown(bob)
    await ann.goOffline()
    await expect.poll(() => pricesShown(bob), { timeout: 10_000 }).toBeGreaterThan(before)
    await ann.comeBack()
    await expect.poll(async () => (await pricesShown(ann)) - (await pricesShown(bob)), { timeout: 10_000 }).toBe(0)
    for (const { page } of [ann, bob]) expect(await accessibilityProblems(page)).toEqual([])
    for (const person of [ann, bob]) person.hasNoTroubles()
  })

  it('[B11] stands still when it is asked to, and catches up', async () => {
    const ann = await commons.person('Ann', { path: '/market' })
    await ann.page.getByRole('img', { name: /Acorn Foods: / }).waitFor()
    await ann.page.getByRole('button', { name: 'Pause' }).click()
    const before = await pricesShown(ann)
    await ann.page.getByText(/Paused · \d+ new/).waitFor()
    expect(await pricesShown(ann)).toBe(before)
    await ann.page.getByRole('button', { name: 'Resume' }).click()
    await expect.poll(() => pricesShown(ann)).toBeGreaterThan(before)
    ann.hasNoTroubles()
  })

  it('shows another share from near', async () => {
    const ann = await commons.person('Ann', { path: '/market' })
    await ann.page.getByRole('button', { name: /Comet Rail/ }).click()
    await ann.page.getByRole('heading', { name: 'Comet Rail' }).waitFor()
    ann.hasNoTroubles()
  })
})
