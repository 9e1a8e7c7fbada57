/** Holds a value against a schema, and says in a person's words what does not fit first. */
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** What does not fit. */
export interface SchemaIssue {
  /** Ends a sentence that begins with the name of the field: `is missing`, `must be string`. */
  readonly message: string
  /** From the outside in; a missing field is named itself, not the object that lacks it. */
  readonly path: readonly string[]
}

/** Compiles once. @returns what finds the first thing in a value that does not fit, if there is one */
export function schemaCheck(schema: TSchema): (value: unknown) => SchemaIssue | undefined {
  const validator = Compile(schema)
  return (value) => {
    if (validator.Check(value)) return undefined
    const [first] = validator.Errors(value)
    return toIssue(first)
  }
}

interface SchemaError {
  readonly instancePath: string
  readonly message: string
  readonly keyword: string
  readonly params?: object
}

function toIssue(error: SchemaError | undefined): SchemaIssue {
  if (!error) return { message: 'is not as expected', path: [] }
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const { requiredProperties } = (error.params ?? {}) as { requiredProperties?: readonly string[] }
  const [missing] = error.keyword === 'required' ? (requiredProperties ?? []) : []
  if (missing !== undefined) return { message: 'is missing', path: [...path, missing] }
  // A schema that takes nothing stands where no other field may be.
  if (error.keyword === 'boolean') return { message: 'is not known here', path }
  return { message: error.message, path }
}
