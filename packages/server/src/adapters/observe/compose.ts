/** Several observers as one. What one of them throws stays its own trouble: serving goes on, and a warning says so once. */
import type { Fact, Observer } from '../../core/ports/observer.ts'

export function composeObservers(observers: readonly Observer[]): Observer {
  const [only] = observers
  if (only !== undefined && observers.length === 1) return guarded(only)
  const all = observers.map(guarded)
  return {
    observe(fact) {
      for (const observer of all) observer.observe(fact)
    },
  }
}

function guarded(observer: Observer): Observer {
  let hasWarned = false
  return {
    observe(fact: Fact) {
      try {
        observer.observe(fact)
      } catch (error) {
        if (hasWarned) return
        hasWarned = true
        const what = error instanceof Error ? error : new Error(String(error))
        process.emitWarning(`An observer failed at ${fact.type}: ${what.message}`, {
          code: 'ROOMFUL_OBSERVER',
          detail: what.stack ?? '',
        })
      }
    },
  }
}
