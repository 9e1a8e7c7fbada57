/** Direct messages between people in browsers of their own, and their tabs. B23. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { accessibilityProblems, accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import { useCommons } from './lib/use-commons.ts'

describe.runIf(hasChromium)('direct messages in Chromium', () => {
  const commons = useCommons()

  /** Opens the conversation with somebody from the list. */
  async function writeTo(page: Page, name: string, text: string): Promise<void> {
    const people = page.getByRole('listitem')
    await people.getByRole('link', { name: new RegExp(`^${name}( online| offline|$)`) }).click()
    const field = page.getByRole('textbox', { name: `Message ${name}` })
    await field.fill(text)
    await field.press('Enter')
  }

  const says = (page: Page, text: string) => page.getByRole('article').filter({ hasText: text }).first().waitFor()

  it('[B23] all tabs of both are in step; it is delivered later to someone who is away; the sender sees when it is delivered and read', async () => {
    const [ann, bob] = await commons.people(['Ann', 'Bob'], { path: '/messages' })
    const tab = await ann.anotherTab('/messages')
    await writeTo(ann.page, 'Bob', 'are you there?')
    await ann.page.getByText('Delivered').waitFor()
    await bob.page.getByRole('link', { name: /Ann.*are you there\?.*Unread/ }).click()
    await says(bob.page, 'are you there?')
    await expect.poll(() => bob.page.getByRole('dialog').count()).toBe(0) // the toast went when it was read
    await tab.getByRole('link', { name: /Bob.*are you there\?/ }).click()
    await says(tab, 'are you there?')
    await writeTo(bob.page, 'Ann', 'yes')
    for (const page of [ann.page, tab, bob.page]) await says(page, 'yes')
    bob.hasNoTroubles()
    await bob.close()

    await ann.page.getByText('Offline', { exact: true }).waitFor({ timeout: 15_000 })
    await writeTo(ann.page, 'Bob', 'read this later')
    await ann.page.getByText('Will be delivered when they’re back').waitFor()
    const again = await commons.person('Bob', { path: '/messages' })
    await ann.page.getByText('Delivered').waitFor()
    await again.page.getByRole('link', { name: /Ann.*read this later.*Unread/ }).click()
    await says(again.page, 'read this later')
    await expect.poll(() => again.page.getByRole('article').count()).toBe(3)
    await ann.page.getByText('Read', { exact: true }).waitFor()
    await ann.page.reload()
    await ann.page.getByText('Read', { exact: true }).waitFor()
    expect(await accessibilityProblems(ann.page)).toEqual([])
    again.hasNoTroubles()
    ann.hasNoTroubles()
  })

  it('[C18] what is written offline waits, also across a reload, and arrives once', async () => {
    const [cy, dan] = await commons.people(['Cy', 'Dan'], { path: '/messages' })
    await dan.page.getByRole('link', { name: /^Cy (online|offline)/ }).click()
    await dan.cutNetwork()
    await writeTo(dan.page, 'Cy', 'from the tunnel')
    await dan.page.getByText('Sending…').waitFor()
    dan.mendNetwork()
    await dan.page.reload()
    await cy.page.getByRole('link', { name: /Dan.*from the tunnel/ }).click({ timeout: 20_000 })
    await says(cy.page, 'from the tunnel')
    await says(dan.page, 'from the tunnel')
    for (const { page } of [cy, dan]) expect(await page.getByRole('article').count()).toBe(1)
    cy.hasNoTroubles()
  })

  it('is accessible in both themes, on a phone', async () => {
    const [fay] = await Promise.all([commons.person('Fay', { phone: true, path: '/messages' }), commons.person('Eve')])
    await fay.page.getByRole('link', { name: /^Eve (online|offline)/ }).waitFor()
    expect(await accessibilityProblems(fay.page)).toEqual([])
    await writeTo(fay.page, 'Eve', 'hello')
    await fay.page.getByText('Delivered').waitFor()
    expect(await accessibilityProblemsInBothThemes(fay.page)).toEqual([])
    fay.hasNoTroubles()
  })
})
