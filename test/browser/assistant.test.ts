/** The assistant: people ask in one room, and the answer grows on every screen, through a reload, until someone stops it. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import { useCommons } from './lib/use-commons.ts'

const answers = (page: Page) => page.getByRole('article', { name: /^Assistant,/ })
const textOf = async (page: Page): Promise<string> =>
  (await answers(page).last().locator('p[dir=auto]').last().textContent()) ?? ''
const ask = async (page: Page, question: string): Promise<void> => {
  await page.getByLabel('Ask something').fill(question)
  await page.keyboard.press('Enter')
}

describe.runIf(hasChromium)('the assistant in Chromium', () => {
  const commons = useCommons()

  it('[D17] an answer grows for two people, through a reload in the middle, and a phone stops it', async () => {
    const [ann, bob] = await Promise.all([
      commons.person('Ann', { path: '/assistant', moving: true }),
      commons.person('Bob', { path: '/assistant', phone: true, dark: true }),
    ])
    await ask(ann.page, 'What is a room?')
    await answers(ann.page).first().waitFor()
    await expect.poll(() => textOf(ann.page)).toContain('“What is a room?”')
    await ann.page.reload()
    const stop = bob.page.getByRole('button', { name: 'Stop' })
    await stop.waitFor()
    // After the reload there is the text so far, and it still grows.
    await answers(ann.page).first().waitFor()
    const before = await textOf(ann.page)
    expect(before).toContain('You asked')
    await expect.poll(async () => (await textOf(ann.page)).length).toBeGreaterThan(before.length)
    await stop.click()
    for (const { page } of [ann, bob]) await page.getByText('Stopped', { exact: true }).waitFor()
    const ended = await textOf(ann.page)
    expect(await textOf(bob.page)).toBe(ended)
    expect(ended.startsWith(before)).toBe(true)

    await ask(bob.page, 'And once more?')
    await expect.poll(() => answers(bob.page).count()).toBe(2)
    // The message is there a moment before the button: without the first wait it would not have ended, but not begun.
    await stop.waitFor()
    await stop.waitFor({ state: 'detached', timeout: 20_000 })
    await expect.poll(() => textOf(ann.page)).toBe(await textOf(bob.page))
    expect(await textOf(ann.page)).toMatch(/^You asked: “And once more\?”\n\n.+\.$/s)
    for (const { page } of [ann, bob]) expect(await accessibilityProblemsInBothThemes(page)).toEqual([])
    for (const person of [ann, bob]) person.hasNoTroubles()
  })
})
