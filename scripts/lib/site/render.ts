/** Markdown as GitHub reads it, to HTML: headings with the same anchors, links between pages, coloured code. */
import { dirname, join, normalize } from 'node:path'
import hljs from 'highlight.js/lib/common'
import MarkdownIt from 'markdown-it'

export interface Rendered {
  readonly html: string
  /** Anchors of its headings. */
  readonly anchors: ReadonlySet<string>
  readonly links: readonly Link[]
  readonly sections: readonly Section[]
}

export interface Link {
  readonly href: string
  /** Where it leads in the repository, without its anchor; undefined for other sites. */
  readonly target: string | undefined
  readonly anchor: string | undefined
}

/** A heading and the words below it, for the search. */
export interface Section {
  readonly anchor: string
  readonly title: string
  readonly text: string
}

/** Where a page of the repository is on the site: `docs/sdk.md` is `docs/sdk.html`, a README the index of its folder. */
export function placeOf(source: string): string {
  return source.replace(/README\.md$/, 'index.md').replace(/\.md$/, '.html')
}

/** As the common renderers make them. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/** @param isPage whether a file of the repository is a page of the site */
export function render(source: string, markdown: string, isPage: (path: string) => boolean): Rendered {
  const anchors = new Set<string>()
  const links: Link[] = []
  const sections: Section[] = []
  const md = new MarkdownIt({ html: true, linkify: false, highlight: colour })

  const tokens = md.parse(markdown, {})
  for (const [at, token] of tokens.entries()) {
    const inline = tokens[at + 1]
    if (token.type === 'heading_open' && inline) {
      const title = textOf(inline.children ?? [])
      const anchor = unused(anchorOf(title), anchors)
      anchors.add(anchor)
      token.attrSet('id', anchor)
      sections.push({ anchor, title, text: '' })
    } else if (['inline', 'fence', 'code_block'].includes(token.type) && tokens[at - 1]?.type !== 'heading_open') {
      const text = token.type === 'inline' ? textOf(token.children ?? []) : token.content
      const last = sections.at(-1)
      if (last) sections[sections.length - 1] = { ...last, text: `${last.text} ${text}` }
    }
    for (const child of token.children ?? []) {
      if (child.type !== 'link_open') continue
      const link = readLink(source, String(child.attrGet('href') ?? ''))
      links.push(link)
      child.attrSet('href', addressOf(source, link, isPage))
    }
  }
  const html = md.renderer
    .render(tokens, md.options, {})
    .replaceAll('<table>', '<div class="table" tabindex="0"><table>')
    .replaceAll('</table>', '</table></div>')
    .replaceAll('<th></th>', '<td></td>') // a header without words is none to a screen reader
    .replaceAll('<pre>', '<pre tabindex="0">')
  return { html, anchors, links, sections }
}

function colour(code: string, language: string): string {
  return hljs.getLanguage(language) ? hljs.highlight(code, { language }).value : ''
}

function textOf(tokens: readonly { readonly type: string; readonly content: string }[]): string {
  return tokens
    .filter(({ type }) => type === 'text' || type === 'code_inline' || type === 'softbreak')
    .map(({ type, content }) => (type === 'softbreak' ? ' ' : content))
    .join('')
}

function unused(anchor: string, taken: ReadonlySet<string>): string {
  for (let count = 0; ; count++) {
    const candidate = count === 0 ? anchor : `${anchor}-${count}`
    if (!taken.has(candidate)) return candidate
  }
}

function readLink(source: string, href: string): Link {
  if (/^[a-z]+:/.test(href)) return { href, target: undefined, anchor: undefined }
  const [path = '', anchor] = decodeURIComponent(href).split('#')
  const target = path === '' ? source : normalize(join(dirname(source), path)).replace(/\/$/, '')
  return { href, target, anchor }
}

/** A folder of decisions is its list; a file that is no page is copied as text. */
function addressOf(source: string, { href, target, anchor }: Link, isPage: (path: string) => boolean): string {
  if (target === undefined) return href
  const page = isPage(target) ? target : isPage(`${target}/README.md`) ? `${target}/README.md` : undefined
  const place = page ? placeOf(page) : `${target}.txt`
  return `${relativeTo(source, place)}${anchor === undefined ? '' : `#${anchor}`}`
}

/** From the page of a source to a place of the site. */
export function relativeTo(source: string, place: string): string {
  return '../'.repeat(source.split('/').length - 1) + place
}
