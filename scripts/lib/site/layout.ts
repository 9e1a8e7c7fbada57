/** A page of the site around its text: the menu, the search, the switch between light and dark. */
import type { Group, Page } from './pages.ts'
import { placeOf, relativeTo } from './render.ts'

export function layOut(page: Page, html: string, groups: readonly Group[]): string {
  const to = (place: string): string => relativeTo(page.source, place)
  const menu = groups
    .filter(({ pages }) => pages.length > 0)
    .map(({ name, pages }) => {
      const isOpen = name === 'Start' || pages.includes(page)
      const items = pages.map((each) => {
        const current = each === page ? ' aria-current="page"' : ''
        return `<li><a href="${to(placeOf(each.source))}"${current}>${escaped(each.title)}</a></li>`
      })
      return `<details${isOpen ? ' open' : ''}><summary>${name}</summary><ul>${items.join('')}</ul></details>`
    })
    .join('\n')
  return `<!doctype html>
<html lang="en" data-root="${to('')}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(page.title)}${page.title === 'Roomful' ? '' : ' · Roomful'}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${to('assets/site.css')}">
<script type="module" src="${to('assets/site.js')}"></script>
</head>
<body>
<a class="skip" href="#content">To the text</a>
<header>
<a class="home" href="${to('index.html')}">Roomful</a>
<button type="button" class="menu-button" aria-expanded="false" aria-controls="menu">Menu</button>
<form class="search" role="search">
<input type="search" placeholder="Search" aria-label="Search" autocomplete="off">
<ul class="results" aria-label="Results" hidden></ul>
</form>
<button type="button" class="theme-button" aria-label="Switch between light and dark"></button>
</header>
<nav id="menu" aria-label="Pages">
${menu}
</nav>
<main id="content">
${html}
</main>
</body>
</html>
`
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
