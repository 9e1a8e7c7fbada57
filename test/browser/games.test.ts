/** The lobby and the game with several people at one table. B24. */
import { describe, expect, it } from 'vitest'
import { accessibilityProblems, accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import type { Person } from './lib/person.ts'
import { useCommons } from './lib/use-commons.ts'

async function setTable({ page }: Person, name: string): Promise<void> {
  await page.getByRole('button', { name: 'New table' }).first().click()
  await page.getByLabel('Table name').fill(name)
  await page.getByRole('button', { name: 'Create table' }).click()
  await page.getByRole('heading', { name }).waitFor()
}
const sitDown = ({ page }: Person, name: string) => page.getByRole('button', { name: `Join ${name}` }).click()

describe.runIf(hasChromium)('games in Chromium', () => {
  const commons = useCommons()

  it('[B24] four people fill a table, the game begins for them, and a fifth finds it full', async () => {
    const people = await commons.people(['Ann', 'Bob', 'Cleo', 'Dan'], { path: '/games' })
    const [ann, ...others] = people
    await setTable(ann, 'Round table')
    for (const person of others.slice(0, -1)) await sitDown(person, 'Round table')
    const dan = others[2]
    await dan.tabTo(dan.page.getByRole('button', { name: 'Join Round table' }))
    await dan.page.keyboard.press('Enter')
    await dan.cutNetwork() // in the middle of taking the last seat
    dan.mendNetwork()
    await dan.isOnline()
    for (const { page } of people) await page.getByText('Round 1 of 7').waitFor()
    // The round does not wait for who is away.
    await expect.poll(() => ann.page.getByText(/^Away · /).count()).toBe(0)
    expect(await ann.page.getByRole('list', { name: 'Players' }).getByText('Dan').count()).toBe(1)
    for (const [index, { page }] of people.entries()) await page.keyboard.press(`${index + 1}`)
    for (const { page } of people) await page.getByText('Points this round').waitFor()
    await ann.page.getByText(/Dan wins the round/).waitFor()
    const eve = await commons.person('Eve', { path: '/games' })
    await eve.page.getByRole('link', { name: 'Watch Round table' }).click()
    await eve.page.getByText('You’re watching this game.').waitFor()
    await ann.page.getByText(/ · 1 watching$/).waitFor()
    expect(await eve.page.getByRole('button', { name: /^Card \d|^Join$/ }).count()).toBe(0)
    expect(await accessibilityProblemsInBothThemes(eve.page)).toEqual([])
    for (const person of [...people, eve]) person.hasNoTroubles()
  })

  it('[B24] one plays with the house; a reload, a lost connection and a restart keep the seat', async () => {
    const ann = await commons.person('Ann', { path: '/games', phone: true, dark: true })
    await setTable(ann, 'Alone')
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await ann.page.getByRole('button', { name: 'Add bots' }).click()
    await ann.page.getByText('Round 1 of 7').waitFor()
    expect(await accessibilityProblemsInBothThemes(ann.page)).toEqual([])
    await ann.page.reload()
    await ann.page.getByText(/Round \d of 7/).waitFor()
    await ann.goOffline()
    await ann.comeBack()
    await commons.restart('kill')
    await ann.isOnline()
    await ann.page
      .getByRole('button', { name: /Card \d/ })
      .first()
      .click()
    await ann.page.getByText('Points this round').waitFor()
    ann.hasNoTroubles()
  })

  it('[B24] who leaves makes room, and the lobby shows it', async () => {
    const [ann, bob] = await commons.people(['Ann', 'Bob'], { path: '/games' })
    await setTable(ann, 'Come and go')
    // Its link shows the table, and takes no seat.
    await bob.page.goto(new URL(ann.page.url()).pathname)
    await bob.page.getByText('You’re watching. Join to play.').waitFor()
    await ann.page.getByText('3 empty seats · 1 watching').waitFor()
    await ann.page.getByRole('heading', { name: 'Waiting for 3 more players' }).waitFor()
    expect(await accessibilityProblemsInBothThemes(bob.page)).toEqual([])
    await bob.page.getByRole('button', { name: 'Join' }).click()
    await ann.page.getByRole('heading', { name: 'Waiting for 2 more players' }).waitFor()
    await bob.page.getByRole('button', { name: 'Leave' }).click()
    await ann.page.getByRole('heading', { name: 'Waiting for 3 more players' }).waitFor()
    await bob.page.getByText('1 of 4').waitFor()
    for (const person of [ann, bob]) person.hasNoTroubles()
  })
})
