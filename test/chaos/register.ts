/**
 * Loaded before `run.ts`: the condition `source` means our packages only. The npm package `eventsource` has one of its own,
 * with TypeScript that Node does not run inside node_modules.
 */
import { registerHooks } from 'node:module'

registerHooks({
  resolve: (specifier, context, next) => {
    if (!specifier.startsWith('eventsource')) return next(specifier, context)
    return next(specifier, { ...context, conditions: context.conditions.filter((name) => name !== 'source') })
  },
})
