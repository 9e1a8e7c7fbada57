/** Builds the site: every page, a search index, and what the pages load. Nothing in it needs a server. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build as bundle } from 'esbuild'
import MiniSearch from 'minisearch'
import { layOut } from './layout.ts'
import { type Group, readGroups } from './pages.ts'
import { placeOf, type Rendered, render } from './render.ts'

export interface Site {
  readonly pages: number
  /** One sentence each. */
  readonly brokenLinks: readonly string[]
}

/** Each entry of the index. `id` is an address from the root of the site. */
const SEARCHED = { fields: ['title', 'text'], storeFields: ['title', 'page'] }

/** @param groups default: those of the repository */
export async function buildSite(root: string, out: string, groups: readonly Group[] = readGroups(root)): Promise<Site> {
  const pages = groups.flatMap((group) => group.pages)
  const sources = new Set(pages.map(({ source }) => source))
  const isPage = (path: string): boolean => sources.has(path)
  const rendered = new Map(pages.map(({ source, markdown }) => [source, render(source, markdown, isPage)]))
  for (const page of pages) {
    const { html } = rendered.get(page.source) as Rendered
    write(join(out, placeOf(page.source)), layOut(page, html, groups))
  }
  copyLinkedFiles(root, out, rendered, isPage)
  const index = new MiniSearch<{ id: string; title: string; page: string; text: string }>(SEARCHED)
  for (const { source, title: page } of pages) {
    for (const { anchor, title, text } of (rendered.get(source) as Rendered).sections)
      index.add({ id: `${placeOf(source)}#${anchor}`, title, page, text })
  }
  write(join(out, 'assets/search.json'), JSON.stringify(index))
  await bundle({
    entryPoints: [join(import.meta.dirname, 'assets/site.ts'), join(import.meta.dirname, 'assets/site.css')],
    outdir: join(out, 'assets'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
  })
  return { pages: pages.length, brokenLinks: brokenLinks(root, rendered, isPage) }
}

function brokenLinks(
  root: string,
  rendered: ReadonlyMap<string, Rendered>,
  isPage: (path: string) => boolean,
): string[] {
  const broken: string[] = []
  for (const [source, { links }] of rendered) {
    for (const { href, target, anchor } of links) {
      if (target === undefined) {
        if (!/^(?:https?|mailto):/.test(href)) broken.push(`${source}: ${href} is no address of another site`)
        continue
      }
      const page = isPage(target) ? target : `${target}/README.md`
      if (!isPage(page) && !isFile(join(root, target))) broken.push(`${source}: ${href} leads nowhere`)
      else if (anchor !== undefined && !rendered.get(page)?.anchors.has(anchor))
        broken.push(`${source}: ${href} names no heading`)
    }
  }
  return broken
}

/** Such as LICENSE and `deploy/nginx.conf`. */
function copyLinkedFiles(
  root: string,
  out: string,
  rendered: ReadonlyMap<string, Rendered>,
  isPage: (path: string) => boolean,
): void {
  for (const { links } of rendered.values()) {
    for (const { target } of links) {
      if (target === undefined || isPage(target) || isPage(`${target}/README.md`)) continue
      const path = join(root, target)
      if (isFile(path)) write(join(out, `${target}.txt`), readFileSync(path, 'utf8'))
    }
  }
}

const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile()

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
