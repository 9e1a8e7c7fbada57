/** The page of webhooks in the inspector, while a receiver takes them and while it does not. docs/webhooks.md. */
import { describe, expect, it } from 'vitest'
import { startReceiver, WEBHOOK_SECRET } from '../../packages/server/test/webhooks/receiver.ts'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { accessibilityProblems, accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { administrator } from './lib/administrator.ts'
import { hasChromium } from './lib/chromium.ts'
import { useCommons } from './lib/use-commons.ts'

const port = await freePort()
const webhooks = { ROOMFUL_WEBHOOK_URL: `http://127.0.0.1:${port}/hooks`, ROOMFUL_WEBHOOK_SECRET: WEBHOOK_SECRET }

describe.runIf(hasChromium)('webhooks in Chromium', () => {
  const commons = useCommons({ alone: true, env: webhooks })

  it('[I3] [I7] shows what fails and why, then what is delivered, and sends it again', async () => {
    const admin = await administrator(commons, { path: '/inspector' })
    const phone = await administrator(commons, { path: '/inspector', phone: true, dark: true })
    for (const { page } of [admin, phone]) await page.getByRole('radio', { name: 'Webhooks' }).click()
    await admin.page.getByText(/^Not delivered since .*ECONNREFUSED/).waitFor()
    expect(await accessibilityProblems(phone.page)).toEqual([])
    const receiver = await startReceiver(port)
    await admin.page.getByText('Delivered', { exact: true }).nth(1).waitFor()
    await admin.page.getByText('Not delivered since').waitFor({ state: 'detached' })
    expect(receiver.events.length).toBeGreaterThan(0)
    const before = receiver.events.length
    await admin.page.getByRole('button', { name: 'Send the last hour again' }).click()
    await admin.page.getByText('Sending again').waitFor()
    await expect.poll(() => receiver.events.length).toBeGreaterThan(before)
    expect(await accessibilityProblemsInBothThemes(admin.page)).toEqual([])
    if (process.env.SHOTS) {
      await admin.page.screenshot({ path: `${process.env.SHOTS}/webhooks.png` })
      await phone.page.screenshot({ path: `${process.env.SHOTS}/webhooks-phone.png` })
    }
    for (const person of [admin, phone]) person.hasNoTroubles()
  })
})
