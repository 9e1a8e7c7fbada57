/** `/client.html` as a person uses it. */
import type { Locator, Page } from 'playwright-core'
import { troublesOf } from './chromium.ts'

/** The page as somebody sees it who has never seen its source: fields by label, buttons by name. */
export class ClientPage {
  readonly page: Page
  readonly troubles: string[]

  constructor(page: Page) {
    this.page = page
    this.troubles = troublesOf(page)
  }

  get presence(): Locator {
    return this.page.getByRole('list', { name: /here|presence|people|members|users/i })
  }

  get log(): Locator {
    return this.page.getByRole('log')
  }

  async connect(base: string, name: string, jwt?: string): Promise<void> {
    await this.page.goto(`${base}/client.html`)
    await this.page.getByLabel(/name/i).first().fill(name)
    if (jwt) await this.page.getByLabel(/token/i).first().fill(jwt)
    await this.page.getByRole('button', { name: /^connect/i }).click()
    await this.page
      .getByText(/connected|online/i)
      .first()
      .waitFor()
  }

  async join(room: string): Promise<void> {
    await this.page.getByLabel(/room/i).first().fill(room)
    await this.page.getByRole('button', { name: /^join/i }).click()
  }

  async say(text: string): Promise<void> {
    await this.page
      .getByLabel(/message|say/i)
      .first()
      .fill(text)
    await this.page.keyboard.press('Enter')
  }

  async sees(name: string): Promise<void> {
    await this.presence.getByText(name, { exact: false }).first().waitFor()
  }

  async seesNoMore(name: string): Promise<void> {
    await this.presence.getByText(name, { exact: false }).first().waitFor({ state: 'detached' })
  }
}
