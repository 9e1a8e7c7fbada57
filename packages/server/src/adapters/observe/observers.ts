/** Several observers as one, and the levels of the log. Neither needs a package that may be missing. */
import type { Fact, Observer } from '../../core/ports/observer.ts'

/** Levels of `LOG_LEVEL`, from none to all. */
export type LogLevel = 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/**
 * Several observers as one. An observer that throws does not stop the others or the server: the first error becomes a
 * process warning with the code `ROOMFUL_OBSERVER`. Requests are followed by the first that has a tracer.
 * @example createRoomful({ observer: composeObservers([new Log('info'), { observe: (fact) => send(fact) }]) })
 */
export function composeObservers(observers: readonly Observer[]): Observer {
  const [only] = observers
  if (only !== undefined && observers.length === 1) return guarded(only)
  const all = observers.map(guarded)
  return {
    tracer: observers.find(({ tracer }) => tracer !== undefined)?.tracer,
    observe(fact) {
      for (const observer of all) observer.observe(fact)
    },
  }
}

function guarded(observer: Observer): Observer {
  let hasWarned = false
  return {
    tracer: observer.tracer,
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
