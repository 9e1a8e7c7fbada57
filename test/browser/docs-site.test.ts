/** The documentation site in a real browser: on a phone and a screen, light and dark, and its search. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { type Browser, type BrowserServer, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildSite } from '../../scripts/lib/site/build.ts'
import { ROOT } from '../outside/lib/node.ts'
import { accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { launchChromium, seriousTroublesOf } from './lib/chromium.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
}

const out = mkdtempSync(join(tmpdir(), 'roomful-site-'))
let server: Server
let url: string
let engine: BrowserServer
let browser: Browser

beforeAll(async () => {
  await buildSite(ROOT, out)
  server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname.replace(/\/$/, '/index.html')
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/plain' })
    response.end(readFileSync(join(out, path)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  engine = await launchChromium()
  browser = await chromium.connect(engine.wsEndpoint())
})

afterAll(async () => {
  await engine.close()
  server.close()
  rmSync(out, { recursive: true })
})

async function open(path: string, width: number): Promise<{ page: Page; troubles: string[] }> {
  const context = await browser.newContext({ viewport: { width, height: 800 } })
  const page = await context.newPage()
  const troubles = seriousTroublesOf(page)
  await page.goto(url + path)
  return { page, troubles }
}

it.each([
  ['/', 1280],
  ['/docs/handbook/closing.html', 390],
  ['/docs/api/client.html', 390],
])('%s at %i px is accessible in both themes and does not scroll sideways', async (path, width) => {
  const { page, troubles } = await open(path, width)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
  expect(await accessibilityProblemsInBothThemes(page)).toEqual([])
  expect(troubles).toEqual([])
})

it('finds a section by words, and goes there', async () => {
  const { page } = await open('/docs/sdk.html', 1280)
  await page.waitForLoadState('networkidle') // the key is listened to once the script is there
  await page.keyboard.press('/')
  await page.keyboard.type('opening handshake')
  await page.locator('.results a', { hasText: 'The opening handshake' }).click()
  await page.waitForURL(/handbook\/connections\.html#b2/)
})

it('opens its menu on a phone, and keeps the theme that was chosen', async () => {
  const { page } = await open('/docs/sdk.html', 390)
  expect(await page.locator('nav').isVisible()).toBe(false)
  await page.locator('.menu-button').click()
  await page.locator('nav a[aria-current]').waitFor()
  const before = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  await page.locator('.theme-button').click()
  await page.reload()
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).not.toBe(before)
})
