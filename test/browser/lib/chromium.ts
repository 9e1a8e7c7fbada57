/** Debian's Chromium through playwright-core, with a fresh profile and nothing that talks to the outside. */
import { existsSync } from 'node:fs'
import { type BrowserServer, chromium, type Page } from 'playwright-core'

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'

export const hasChromium = existsSync(EXECUTABLE)

/**
 * @param more flags besides those that every test needs
 * @param without flags that the driver would set
 */
export async function launchChromium(more: readonly string[] = [], without: string[] = []): Promise<BrowserServer> {
  return await chromium.launchServer({
    executablePath: EXECUTABLE,
    ignoreDefaultArgs: without,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  })
}

/** What goes wrong in a page, put into `troubles`: errors that nobody caught, and dialogs. */
export function troublesOf(page: Page, troubles: string[] = []): string[] {
  page.on('pageerror', (error) => troubles.push(String(error)))
  page.on('dialog', (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return troubles
}

/** As {@link troublesOf}, with everything that the console says as an error or a warning. */
export function seriousTroublesOf(page: Page, troubles: string[] = []): string[] {
  troublesOf(page, troubles)
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text())
  })
  return troubles
}
