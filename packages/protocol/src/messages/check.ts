/** Checks a value against a schema, and describes the first mismatch in words. */
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** Where and how a value does not match its schema. */
export interface SchemaIssue {
  /** Ends a sentence that begins with the name of the field: `is missing`, `must be string`. */
  readonly message: string
  /** From the outermost field to the innermost; of a missing field its own path, not that of its object. */
  readonly path: readonly string[]
}

/**
 * Compiles a schema once.
 * @returns a function that finds the first mismatch of a value; `undefined` when it matches
 */
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
  // `additionalProperties: false` is reported as a schema that accepts nothing.
  if (error.keyword === 'boolean') return { message: 'is not known here', path }
  return { message: error.message, path }
}
