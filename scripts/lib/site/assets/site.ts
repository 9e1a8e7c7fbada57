/** What the pages of the site do: search, the menu of a phone, light and dark. */
import MiniSearch, { type SearchResult } from 'minisearch'

const root = document.documentElement
const base = root.dataset.root ?? ''
const find = <E extends Element>(selector: string): E => document.querySelector(selector) as E

// Light or dark: the system's choice, until a visitor chooses.
const dark = matchMedia('(prefers-color-scheme: dark)')
const chosen = localStorage.getItem('theme')
if (chosen === 'light' || chosen === 'dark') root.dataset.theme = chosen
find<HTMLButtonElement>('.theme-button').addEventListener('click', () => {
  const now = root.dataset.theme ?? (dark.matches ? 'dark' : 'light')
  root.dataset.theme = now === 'dark' ? 'light' : 'dark'
  localStorage.setItem('theme', root.dataset.theme)
})

const menuButton = find<HTMLButtonElement>('.menu-button')
menuButton.addEventListener('click', () => {
  const isOpen = document.body.classList.toggle('menu-open')
  menuButton.setAttribute('aria-expanded', String(isOpen))
})
find<Element>('[aria-current=page]').scrollIntoView({ block: 'nearest' })

const form = find<HTMLFormElement>('.search')
const input = find<HTMLInputElement>('.search input')
const list = find<HTMLUListElement>('.results')
let index: Promise<MiniSearch> | undefined

function loadIndex(): Promise<MiniSearch> {
  const options = { fields: ['title', 'text'], storeFields: ['title', 'page'] }
  index ??= fetch(`${base}assets/search.json`).then(async (answer) => MiniSearch.loadJSON(await answer.text(), options))
  return index
}

async function search(): Promise<void> {
  const words = input.value.trim()
  const loaded = await loadIndex()
  if (words !== input.value.trim()) return // there are newer ones
  const results =
    words === '' ? [] : loaded.search(words, { prefix: true, fuzzy: 0.2, boost: { title: 4 } }).slice(0, 12)
  list.replaceChildren(...results.map(entry))
  if (words !== '' && results.length === 0) list.append(`Nothing about “${words}”`)
  list.hidden = words === ''
}

function entry({ id, title, page }: SearchResult): HTMLLIElement {
  const item = document.createElement('li')
  const link = document.createElement('a')
  link.href = base + String(id)
  link.textContent = title
  const where = document.createElement('small')
  where.textContent = page
  link.append(where)
  item.append(link)
  return item
}

input.addEventListener('focus', () => void loadIndex())
input.addEventListener('input', () => void search())
form.addEventListener('submit', (event) => {
  event.preventDefault()
  list.querySelector('a')?.click()
})
list.addEventListener('click', () => {
  list.hidden = true
})
document.addEventListener('keydown', ({ key, target }) => {
  if (key === 'Escape') list.hidden = true
  const isTyping = target instanceof HTMLInputElement
  if (key === '/' && !isTyping) setTimeout(() => input.focus())
})
