/** Documents in the web app: two people in browsers of their own write one text, online and off. B36. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { accessibilityProblems, accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import type { Person, PersonOptions } from './lib/person.ts'
import { useCommons } from './lib/use-commons.ts'

const editor = (page: Page) => page.locator('.cm-content')
const saved = (page: Page) => page.locator('[data-save="Saved"]').waitFor()

/** As CodeMirror has it, without the names of others' cursors. */
function textOf(page: Page): Promise<string> {
  return editor(page).evaluate((content) => {
    const copy = content.cloneNode(true) as HTMLElement
    for (const name of copy.querySelectorAll('.doc-caret')) name.remove()
    return Array.from(copy.querySelectorAll('.cm-line'), (line) => line.textContent).join('\n')
  })
}

async function shows(page: Page, text: string): Promise<void> {
  await expect.poll(() => textOf(page), { timeout: 15_000 }).toBe(text)
}

describe.runIf(hasChromium)('[B36] documents in Chromium', () => {
  const commons = useCommons()

  /** Before the list of documents. */
  async function both(ann: PersonOptions = {}, ben: PersonOptions = {}): Promise<[Person, Person]> {
    const path = '/documents'
    return await Promise.all([commons.person('Ann', { ...ann, path }), commons.person('Ben', { ...ben, path })])
  }

  async function create(person: Person, title: string): Promise<string> {
    const { page } = person
    await page.getByRole('button', { name: 'New document' }).click()
    await page.getByLabel('Title').fill(title)
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: title }).waitFor()
    await editor(page).waitFor()
    return new URL(page.url()).pathname
  }

  it('two people write in the same line, see each other’s cursors, and find all of it after a reload', async () => {
    const [ann, ben] = await both()
    const path = await create(ann, 'Minutes')
    await ben.page.getByRole('link', { name: /Minutes/ }).click() // it appeared by itself
    await editor(ben.page).waitFor()
    await editor(ann.page).click()
    await ann.page.keyboard.type('middle')
    await shows(ben.page, 'middle')
    await editor(ben.page).click()
    await ben.page.keyboard.press('Control+End')
    await ann.page.keyboard.press('Control+Home')
    await Promise.all([
      ann.page.keyboard.type('from the left ', { delay: 5 }),
      ben.page.keyboard.type(' from the right', { delay: 5 }),
    ])
    await shows(ann.page, 'from the left middle from the right')
    await shows(ben.page, 'from the left middle from the right')
    await ben.page.locator('.doc-caret-name', { hasText: 'Ann' }).waitFor()
    await ann.page.locator('.doc-caret-name', { hasText: 'Ben' }).waitFor()
    await ann.page.getByText('Also here: Ben').waitFor({ state: 'attached' })
    await ann.page.keyboard.press('Control+a')
    await ben.page.locator('.doc-selection').first().waitFor()
    await Promise.all([saved(ann.page), saved(ben.page)])
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await ann.page.reload()
    await shows(ann.page, 'from the left middle from the right')
    expect(new URL(ann.page.url()).pathname).toBe(path)
    await ben.page.goto('/documents')
    await ben.page.getByRole('heading', { level: 1 }).waitFor()
    await ann.page.locator('.doc-caret-name').waitFor({ state: 'detached' })
    expect(await accessibilityProblemsInBothThemes(ben.page)).toEqual([])
    ann.hasNoTroubles()
    ben.hasNoTroubles()
  })

  it('what was written offline is merged, and a restart of the server loses nothing', async () => {
    const [ann, ben] = await both()
    const path = await create(ann, 'Plan')
    await editor(ann.page).click()
    await ann.page.keyboard.type('Plan')
    await saved(ann.page)
    await ben.page.goto(path)
    await shows(ben.page, 'Plan')
    await ben.page.locator('[data-save="Saved"]').waitFor()
    await ann.goOffline()
    await ann.page.locator('[data-save^="Offline"]').waitFor()
    await ann.page.keyboard.type(' of Ann')
    await ann.page.locator('[data-save="Offline. Saved when you reconnect"]').waitFor()
    await editor(ben.page).click()
    await ben.page.keyboard.press('Control+Home')
    await ben.page.keyboard.type('Our ')
    await ann.comeBack()
    await shows(ann.page, 'Our Plan of Ann')
    await shows(ben.page, 'Our Plan of Ann')
    await saved(ann.page)
    await commons.restart('kill')
    await ann.page.keyboard.type(', again')
    await shows(ben.page, 'Our Plan of Ann, again')
    await Promise.all([saved(ann.page), saved(ben.page)])

    // A megabyte from the clipboard, with HTML beside it.
    await ann.page.keyboard.press('Control+End')
    await editor(ann.page).evaluate((content) => {
      const clipboardData = new DataTransfer()
      clipboardData.setData('text/plain', `${'All about ferns, line by line.\n'.repeat(34_000)}<b>The end</b>`)
      clipboardData.setData('text/html', '<b onclick="alert(1)">The end</b><img src=x onerror="alert(1)">')
      content.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    })
    await saved(ann.page)
    // Only what is in view is in the page, and its end is another one until the paste has come.
    const atTheEnd = async (): Promise<number> => {
      await ben.page.keyboard.press('Control+End')
      return editor(ben.page).getByText('<b>The end</b>').count()
    }
    await expect.poll(atTheEnd, { timeout: 20_000 }).toBe(1)
    for (const { page } of [ann, ben]) expect(await page.locator('.cm-line').count()).toBeLessThan(200)
    for (const person of [ann, ben]) person.hasNoTroubles()
  })

  it('its owner renames, locks and deletes it, and others read along', async () => {
    const [ann, ben] = await both({ dark: true }, { phone: true })
    const path = await create(ann, 'Rules')
    await editor(ann.page).click()
    await ann.page.keyboard.type('# One')
    await ben.page.goto(path)
    await shows(ben.page, '# One')
    const choose = async (name: string): Promise<void> => {
      await ann.page.getByRole('button', { name: 'More actions' }).click()
      await ann.page.getByRole('menuitem', { name }).click()
    }
    await choose('Rename')
    await ann.page.getByLabel('Title').fill('House rules')
    await ann.page.getByRole('button', { name: 'Rename' }).click()
    await ben.page.getByRole('heading', { name: 'House rules' }).waitFor()
    await choose('Make read-only')
    await ben.page.getByText('This document is read-only.').waitFor()
    await editor(ben.page).click()
    await ben.page.keyboard.type('not taken')
    await editor(ann.page).click()
    await ann.page.keyboard.press('Control+End')
    await ann.page.keyboard.type(' rule')
    await shows(ben.page, '# One rule')
    expect(await accessibilityProblems(ben.page)).toEqual([])
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await choose('Delete')
    await ann.page.getByRole('button', { name: 'Delete' }).click()
    await ben.page.getByText('Document not found').waitFor()
    await ann.page.getByRole('heading', { name: 'Documents' }).waitFor()
    ann.hasNoTroubles()
    ben.hasNoTroubles()
  })
})
