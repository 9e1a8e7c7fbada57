/** The documentation site is built, and a link that leads nowhere is found. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { buildSite } from '../../scripts/lib/site/build.ts'

const root = new URL('../..', import.meta.url).pathname
const out = mkdtempSync(join(tmpdir(), 'roomful-site-'))
afterAll(() => rmSync(out, { recursive: true }))

const read = (path: string): string => readFileSync(join(out, path), 'utf8')

it('is built from the pages, the API and the decisions, without a broken link', async () => {
  const { pages, brokenLinks } = await buildSite(root, out)
  expect(brokenLinks).toEqual([])
  expect(pages).toBeGreaterThan(90)
  expect(read('docs/sdk.html')).toContain('href="../PROTOCOL.html#10-codes"')
  expect(read('docs/api/server.html')).toContain('id="createroomful"')
  expect(read('docs/decisions/index.html')).toContain('href="../../docs/decisions/0001-pinned-node.html"')
  expect(read('deploy/nginx.conf.txt')).toContain('proxy_pass')
  expect(read('assets/search.json')).toContain('docs/handbook/connections.html#b2--the-opening-handshake')
}, 60_000)

it('says which links lead nowhere', async () => {
  const markdown = '# Page\n\n[a](gone.md) [b](#gone) [c](other.md#gone) [d](other.md#here) [e](ftp://x)\n'
  const pages = [
    { source: 'docs/page.md', title: 'Page', markdown },
    { source: 'docs/other.md', title: 'Other', markdown: '# Other\n\n## Here\n' },
  ]
  const { brokenLinks } = await buildSite(root, join(out, 'broken'), [{ name: 'All', pages }])
  expect(brokenLinks).toEqual([
    'docs/page.md: gone.md leads nowhere',
    'docs/page.md: #gone names no heading',
    'docs/page.md: other.md#gone names no heading',
    'docs/page.md: ftp://x is no address of another site',
  ])
})
