/**
 * Keeps the focus when the focused element disappears. A browser then focuses nothing: keys have no effect, and a screen reader
 * starts at the top. The focus moves to the matching element of the next or previous row, or else to the container.
 */
import { useEffect } from 'react'

/** An element on the way up from the focused one, as it stood when that got the focus. */
interface Step {
  readonly element: Element
  readonly parent: Element
  readonly neighbours: readonly (Element | null)[]
}

const FOCUSABLE =
  'a[href], button:not(:disabled), input:not(:disabled), textarea:not(:disabled), select:not(:disabled), [tabindex="0"]'

/** @param selector of what the focus is kept in */
export function useKeptFocus(selector: string): void {
  useEffect(() => {
    const place = document.querySelector(selector)
    if (!place) return
    let path: readonly Step[] = []
    let frame = 0
    const remember = ({ target }: FocusEvent): void => {
      path = target instanceof Element && place.contains(target) ? pathOf(target, place) : []
    }
    const look = (): void => {
      cancelAnimationFrame(frame)
      if (path.length > 0)
        frame = requestAnimationFrame(() => document.activeElement === document.body && bringBack(path))
    }
    // What is done in a menu or a dialog above the page is done to what had the focus before: that is remembered still.
    place.addEventListener('focusin', remember as EventListener)
    document.addEventListener('focusout', look)
    const observer = new MutationObserver(look)
    observer.observe(document.body, { childList: true, subtree: true })
    return () => {
      cancelAnimationFrame(frame)
      place.removeEventListener('focusin', remember as EventListener)
      document.removeEventListener('focusout', look)
      observer.disconnect()
    }
  }, [selector])
}

function pathOf(target: Element, place: Element): Step[] {
  const path: Step[] = []
  for (let element = target; element !== place && element.parentElement; element = element.parentElement) {
    const { parentElement: parent, nextElementSibling, previousElementSibling } = element
    path.push({ element, parent, neighbours: [nextElementSibling, previousElementSibling] })
  }
  return path
}

function bringBack(path: readonly Step[]): void {
  const [lost] = path
  // The user clicked beside it: the focus is not lost.
  if (lost && isShown(lost.element)) return
  const gone = path.find(({ parent }) => isShown(parent))
  if (!gone) return focusAround(document.querySelector('#main'))
  const index = focusableIn(gone.element).indexOf(lost?.element as HTMLElement)
  for (const neighbour of gone.neighbours) {
    if (!neighbour || !isShown(neighbour)) continue
    const found = focusableIn(neighbour)
    const like = found[index] ?? found[0]
    if (like) return like.focus()
  }
  focusAround(gone.parent)
}

function focusAround(start: Element | null): void {
  for (let element = start; element; element = element.parentElement) {
    if (!(element instanceof HTMLElement) || !element.matches('[tabindex], ul, ol, section, main')) continue
    if (!element.hasAttribute('tabindex')) element.tabIndex = -1
    return element.focus({ preventScroll: true })
  }
}

function isShown(element: Element): boolean {
  return element.isConnected && element.checkVisibility()
}

function focusableIn(element: Element): HTMLElement[] {
  const inside = Array.from(element.querySelectorAll<HTMLElement>(FOCUSABLE))
  return element.matches(FOCUSABLE) ? [element as HTMLElement, ...inside] : inside
}
