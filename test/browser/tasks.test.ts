/** The board of tasks, with several people before it. B18. */
import { describe, expect, it } from 'vitest'
import { accessibilityProblems } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import type { Person } from './lib/person.ts'
import { useCommons } from './lib/use-commons.ts'

async function writeDown({ page }: Person, title: string, details = ''): Promise<void> {
  await page.getByRole('button', { name: 'New task' }).click()
  await page.getByLabel('Task', { exact: true }).fill(title)
  await page.getByLabel('Details').fill(details)
  await page.getByRole('button', { name: 'Add task' }).click()
}
const board = ({ page }: Person) => page.getByRole('list', { name: 'Tasks' })

describe.runIf(hasChromium)('tasks in Chromium', () => {
  const commons = useCommons({ alone: true })

  it('[B18] what one writes down, changes, ticks off and deletes is so for the other', async () => {
    const [ann, bob] = await Promise.all([
      commons.person('Ann', { path: '/tasks' }),
      commons.person('Bob', { path: '/tasks', phone: true, dark: true }),
    ])
    await ann.page.getByRole('heading', { name: 'All done' }).waitFor()
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await writeDown(ann, '   ')
    await ann.page.getByText('Enter a task').waitFor()
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await ann.page.keyboard.press('Escape')
    await writeDown(ann, 'שתול 🌱 <b>ferns</b>', 'two\nlines')
    await board(bob).getByText('שתול 🌱 <b>ferns</b>').waitFor()

    await bob.page.getByRole('button', { name: /Actions for/ }).click()
    await bob.page.getByRole('menuitem', { name: 'Edit…' }).click()
    expect(await bob.page.getByRole('menuitem', { name: 'Delete' }).count()).toBe(0)
    await bob.page.getByLabel('Task', { exact: true }).fill('Plant the ferns')
    await bob.page.getByRole('button', { name: 'Save' }).click()
    await board(ann).getByText('Plant the ferns').waitFor()
    for (const { page } of [ann, bob]) expect(await accessibilityProblems(page)).toEqual([])

    await ann.page.getByRole('checkbox').click() // it leaves the list with that
    await bob.page.getByRole('radio', { name: 'Done 1' }).click()
    await board(bob).getByText('Plant the ferns').waitFor()
    await ann.page.getByRole('radio', { name: 'Done 1' }).click()
    await ann.page.getByRole('button', { name: /Actions for/ }).click()
    await ann.page.getByRole('menuitem', { name: 'Delete' }).click()
    await ann.page.getByRole('dialog', { name: 'Delete “Plant the ferns”?' }).waitFor()
    expect(await board(bob).getByText('Plant the ferns').count()).toBe(1)
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await ann.page.getByRole('button', { name: 'Delete' }).click()
    await bob.page.getByRole('heading', { name: 'No completed tasks yet' }).waitFor()
    for (const person of [ann, bob]) person.hasNoTroubles()
  })

  it('[B18] [D2] what is written down offline is saved once when the connection is back', async () => {
    const [ann, bob] = await commons.people(['Ann', 'Bob'], { path: '/tasks' })
    await board(ann)
      .or(ann.page.getByRole('heading', { name: 'All done' }))
      .waitFor()
    await ann.goOffline()
    await writeDown(ann, 'Written in a tunnel')
    await ann.page.getByText('Will be saved when you’re back online').waitFor()
    await ann.comeBack()
    await board(bob).getByText('Written in a tunnel').waitFor()
    await ann.page.getByText('Will be saved').waitFor({ state: 'detached' })
    expect(await board(ann).getByText('Written in a tunnel').count()).toBe(1)
    ann.hasNoTroubles()
  })

  it('[B18] whoever was away while the server was started again sees what is so now', async () => {
    const ann = await commons.person('Ann', { path: '/tasks' })
    await writeDown(ann, 'Outlives a restart')
    await board(ann).getByText('Outlives a restart').waitFor()
    await commons.restart('kill')
    await ann.isOnline()
    const bob = await commons.person('Bob', { path: '/tasks' })
    await writeDown(bob, 'After the restart')
    for (const person of [ann, bob]) {
      for (const title of ['Outlives a restart', 'After the restart']) await board(person).getByText(title).waitFor()
    }
  })
})
