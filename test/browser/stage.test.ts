/** The stage: slides that turn for everyone, and reactions on every screen. B22. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { token } from '../outside/lib/token.ts'
import { accessibilityProblems, accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import { useCommons } from './lib/use-commons.ts'

/** Of which the one in the middle is looked at. */
const FRAMES = 60
/** Twenty a second on two cores that draw without a graphics card, beside the server and all else. */
const SMOOTH_MS = 50

/** Nothing floats over the slide right now. */
const isBlank = (page: Page) =>
  page.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
    const { width, height } = canvas
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, width, height).data
    return pixels?.every((value) => value === 0)
  })

const countNodes = (page: Page) => page.evaluate(() => document.querySelectorAll('*').length)

describe.runIf(hasChromium)('the stage in Chromium', () => {
  const commons = useCommons()

  it('[B22] a presentation is made, turned and watched, also by who comes late or was offline', async () => {
    const [ann, bob] = await Promise.all([
      commons.person('Ann', { path: '/stage', moving: true }),
      commons.person('Bob', { path: '/stage', phone: true, dark: true }),
    ])
    await ann.page.getByRole('button', { name: 'New presentation' }).click()
    await ann.page.getByLabel('Title').fill('All about ferns')
    await ann.page.getByRole('button', { name: 'Start presenting' }).click()
    await ann.page.getByText('Add at least one slide').waitFor()
    await ann.page.getByLabel('Slides').fill('Why ferns\nThey like it dark\n\nHow to water them\n\nThank you')
    expect(await accessibilityProblemsInBothThemes(ann.page)).toEqual([])
    await ann.page.getByRole('button', { name: 'Start presenting' }).click()
    await ann.page.getByRole('heading', { name: 'Why ferns' }).waitFor()

    await bob.page.getByRole('button', { name: 'Open All about ferns' }).click()
    await ann.page.getByText('2 watching').waitFor()
    expect(await bob.page.getByRole('button', { name: 'Next' }).count()).toBe(0)
    await ann.page.keyboard.press('ArrowRight')
    await bob.page.getByRole('heading', { name: 'How to water them' }).waitFor()
    for (const { page } of [ann, bob]) expect(await accessibilityProblems(page)).toEqual([])
    await bob.goOffline()
    await ann.page.getByRole('button', { name: 'Next' }).click()
    await bob.comeBack()
    await bob.page.getByRole('heading', { name: 'Thank you' }).waitFor()
    for (const person of [ann, bob]) person.hasNoTroubles()
  })

  it('[B22] a reaction floats on everyone’s screen', async () => {
    const [ann, bob] = await commons.people(['Ann', 'Bob'], { path: '/stage/welcome', moving: true })
    for (const { page } of [ann, bob]) await page.getByText('2 watching').waitFor()
    const clap = ann.page.getByRole('button', { name: 'Applause' })
    await clap.click()
    for (const { page } of [ann, bob]) await page.getByRole('button', { name: 'Applause, 1' }).waitFor()
    for (const { page } of [ann, bob]) {
      const isShown = async (): Promise<boolean> => {
        await clap.click() // one is gone after some seconds, which a busy machine may take
        return !(await isBlank(page))
      }
      await expect.poll(isShown, { timeout: 10_000 }).toBe(true)
    }
    for (const person of [ann, bob]) person.hasNoTroubles()
  })

  it('[B22] a hundred a second are all there, and the page still turns its slides', async () => {
    const ann = await commons.person('Ann', { path: '/stage/welcome', moving: true })
    await ann.page.getByText('1 watching').waitFor()
    const { server } = commons
    const crowd = new WebSocket(`${server.ws}/ws?token=${token({ sub: 'crowd' })}`)
    await new Promise<void>((resolve) => {
      crowd.on('message', (text: Buffer) => {
        if (JSON.parse(text.toString()).type === 'auth_ok') resolve()
      })
    })
    const reaction = JSON.stringify({ type: 'reaction:send', roomId: 'stage:welcome', emoji: '👍' })
    const before = await countNodes(ann.page)
    const frames = ann.page.evaluate(async (count) => {
      const gaps: number[] = []
      for (let last = performance.now(); gaps.length < count; ) {
        const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve))
        gaps.push(now - last)
        last = now
      }
      return gaps.sort((a, b) => a - b)[count >> 1] as number
    }, FRAMES)
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 10; i++) crowd.send(reaction)
      await new Promise((resolve) => setTimeout(resolve, 100)) // the rate is what is tested
    }
    await ann.page.getByRole('button', { name: 'Next' }).click()
    await ann.page.getByRole('heading', { name: 'A position is a number' }).waitFor()
    await ann.page.getByRole('button', { name: 'Thumbs up, 200' }).waitFor()
    expect(await frames).toBeLessThan(SMOOTH_MS)
    expect((await countNodes(ann.page)) - before).toBeLessThan(50) // they float on one canvas
    crowd.close()
    ann.hasNoTroubles()
  })

  it('[B22] with reduced motion nothing floats, and what comes is counted', async () => {
    const ann = await commons.person('Ann', { path: '/stage/welcome' })
    await ann.page.getByRole('button', { name: 'Heart' }).click()
    await ann.page.getByRole('button', { name: 'Heart, 1' }).waitFor()
    expect(await isBlank(ann.page)).toBe(true)
    ann.hasNoTroubles()
  })
})
