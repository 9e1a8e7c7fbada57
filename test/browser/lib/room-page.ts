/** The rooms page as a person uses it: fields by label, messages by who said them, buttons by name. */
import type { Locator, Page } from 'playwright-core'
import type { Person } from './person.ts'

export class RoomPage {
  readonly person: Person
  readonly page: Page

  constructor(person: Person, page: Page = person.page) {
    this.person = person
    this.page = page
  }

  get field(): Locator {
    return this.page.getByRole('textbox', { name: /^Message #/ })
  }

  get log(): Locator {
    return this.page.getByRole('log')
  }

  get members(): Locator {
    return this.page.getByRole('complementary', { name: 'Members' }).getByRole('listitem')
  }

  async say(text: string): Promise<void> {
    await this.field.fill(text)
    await this.field.press('Enter')
  }

  message(text: string): Locator {
    return this.page.getByRole('article').filter({ hasText: text })
  }

  async sees(text: string): Promise<void> {
    await this.message(text).first().waitFor()
  }

  /** From the menu of a message. */
  async act(text: string, action: string | RegExp): Promise<void> {
    await this.message(text).hover()
    await this.message(text)
      .getByRole('button', { name: /^Actions for message/ })
      .click()
    await this.page.getByRole('menuitem', { name: action }).click()
  }

  /** What was said, as it stands in the log now, oldest first. */
  async texts(): Promise<string[]> {
    return await this.page.getByRole('article').locator('p[dir="auto"].whitespace-pre-wrap').allTextContents()
  }
}
