/** Loads the files of a page when it is opened. What failed for want of a network is tried again later. */
import { type ComponentType, type LazyExoticComponent, lazy } from 'react'
import type { PageEntry } from '../pages.ts'

/** The files of a page are not there: no network, or the server has a newer version of them. */
export class PageNotLoaded extends Error {}

type Loaded = { readonly Page: ComponentType }

const components = new Map<PageEntry, LazyExoticComponent<ComponentType>>()
/** A tab that reloaded for new files once, in vain, does not do so again. */
const RELOADED = 'commons.reloaded'

/** The next {@link componentOf} asks for the files again. Not before: React renders what failed a second time by itself. */
export function forgetComponent(page: PageEntry): void {
  components.delete(page)
}

export function componentOf(page: PageEntry): LazyExoticComponent<ComponentType> {
  const known = components.get(page)
  if (known) return known
  const component = lazy(async () => {
    try {
      const { Page } = await load(page)
      sessionStorage.removeItem(RELOADED)
      return { default: Page }
    } catch (cause) {
      throw new PageNotLoaded(`The page ${page.path} could not be loaded`, { cause })
    }
  })
  components.set(page, component)
  return component
}

async function load(page: PageEntry): Promise<Loaded> {
  try {
    return await page.load()
  } catch (error) {
    // A browser may remember that a module failed, and a new version of the server has other files: a reload helps both.
    if (!navigator.onLine || sessionStorage.getItem(RELOADED) === page.path || !(await isServerThere())) throw error
    sessionStorage.setItem(RELOADED, page.path)
    globalThis.location.reload()
    return await new Promise<never>(() => undefined)
  }
}

async function isServerThere(): Promise<boolean> {
  try {
    return (await fetch('/health', { cache: 'no-store' })).ok
  } catch {
    return false
  }
}
