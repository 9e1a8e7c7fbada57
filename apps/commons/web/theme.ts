/** Light, dark, or as the system has it. `index.html` reads the same key before the first paint. */
import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'commons.theme'
const listeners = new Set<() => void>()

globalThis.addEventListener('storage', ({ key, newValue }) => {
  if (key === KEY) apply(newValue)
})

export function useTheme(): [theme: Theme, choose: (theme: Theme) => void] {
  return [useSyncExternalStore(subscribe, read), choose]
}

const systemTheme = matchMedia('(prefers-color-scheme: dark)')

/** For what draws its colours itself: called when they are others now, by choice or by the system. @returns what ends it */
export function onThemeChange(listener: () => void): () => void {
  const off = subscribe(listener)
  systemTheme.addEventListener('change', listener)
  return () => {
    off()
    systemTheme.removeEventListener('change', listener)
  }
}

function choose(theme: Theme): void {
  try {
    if (theme === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, theme)
  } catch {
    // A browser that keeps nothing: it holds as long as this page does.
  }
  apply(theme)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function read(): Theme {
  const { theme } = document.documentElement.dataset
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

function apply(theme: string | null): void {
  const { dataset } = document.documentElement
  if (theme === 'light' || theme === 'dark') dataset.theme = theme
  else delete dataset.theme
  for (const listener of listeners) listener()
}
