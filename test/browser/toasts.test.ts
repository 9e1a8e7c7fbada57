/** Toasts as people see them: equal ones are one with a count, any of them can be closed, and each is read aloud once. */
import { describe, expect, it } from 'vitest'
import { accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import { RoomPage } from './lib/room-page.ts'
import { useCommons } from './lib/use-commons.ts'

describe.runIf(hasChromium)('toasts in Chromium', () => {
  const commons = useCommons()

  it('that say the same are one with a count, and are quiet once they were dismissed', async () => {
    const ann = await commons.person('Ann', { path: '/rooms/toasts' })
    await ann.context.grantPermissions(['clipboard-write'])
    const room = new RoomPage(ann)
    await room.say('again and again')
    await room.sees('again and again')
    const region = ann.page.locator('[aria-live="polite"]').filter({ hasText: 'Copied' })
    const toast = region.getByRole('dialog')
    for (const count of ['', '×2', '×3']) {
      await room.act('again and again', 'Copy text')
      await toast.getByText(count === '' ? 'Copied' : count, { exact: true }).waitFor()
    }
    expect(await toast.count()).toBe(1)
    expect(await ann.page.getByRole('alert').filter({ hasText: 'Copied' }).count()).toBe(0) // or it would be read twice
    expect(await accessibilityProblemsInBothThemes(ann.page)).toEqual([])
    await ann.page.getByRole('button', { name: 'Dismiss' }).click()
    await toast.waitFor({ state: 'detached' })
    await room.act('again and again', 'Copy text')
    await room.act('again and again', 'Copy text')
    expect(await toast.count()).toBe(0)
    ann.hasNoTroubles()
  })
})
