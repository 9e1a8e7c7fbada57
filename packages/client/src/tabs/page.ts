/** The events of a page that matter for what it shares with others: it goes, it comes back, its user signed out. */
import type { PageLife } from './tab.ts'

export function pageLife(group: string): PageLife {
  const key = `roomful signed out ${group}`
  return {
    watch({ away, back, frozen }) {
      const stop = new AbortController()
      let isGoing = false
      // A page that holds a lock is not kept in the cache, so `away` has to come before the browser decides; but after what the
      // application still sends when it is hidden, which listens at the document.
      const leave = (): void => {
        if (isGoing && document.visibilityState === 'hidden') away()
      }
      addEventListener(
        'pagehide',
        ({ persisted }) => {
          isGoing = persisted // else the page ends, and with it its lock
          leave()
        },
        stop,
      )
      addEventListener('visibilitychange', leave, stop)
      addEventListener(
        'pageshow',
        () => {
          isGoing = false
          back()
        },
        stop,
      )
      document.addEventListener('freeze', frozen, stop)
      document.addEventListener('resume', back, stop)
      return () => stop.abort()
    },
    signedOut: {
      get: () => read(key),
      set: (at) => write(key, String(at)),
      watch(onChange) {
        const stop = new AbortController()
        addEventListener('storage', (event) => event.key === key && onChange(), stop)
        return () => stop.abort()
      },
    },
  }
}

function read(key: string): number {
  try {
    return Number(localStorage.getItem(key) ?? 0)
  } catch {
    return 0 // a page that may keep nothing
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // The tabs that are here learn it from the hub.
  }
}
