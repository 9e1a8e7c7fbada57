/**
 * What is said of a path: its parameters, its body, its answer, its refusals, an example. Requests are held against it,
 * and `/api/openapi.json` is made from it, so neither can know something else than the other.
 */
import type { ErrorCode } from '@roomful/protocol'
import { type Static, type TObject, type TSchema, Type } from 'typebox'

/**
 * Who may ask: anyone, a signed-in user, the holder of the API key, or that holder and any admin. A visitor says so in the
 * URL too, and may be a guest where guests are let in: its transport finds out.
 */
export type Access = 'anyone' | 'user' | 'key' | 'admin' | 'visitor'

export interface Declaration {
  readonly method: 'GET' | 'POST'
  /** As OpenAPI writes it: `/api/rooms/{roomId}/users`. */
  readonly path: string
  readonly tag: 'status' | 'accounts' | 'rooms' | 'notifications' | 'transports' | 'server' | 'inspection'
  /** A line. */
  readonly summary: string
  /** What else one has to know. */
  readonly description?: string
  readonly access: Access
  /** What stands in the path; a field `roomId` is held against what a room may be called. */
  readonly params?: TObject
  /** Numbers are written in digits. */
  readonly query?: TObject
  readonly body?: TObject
  readonly status?: 200 | 201
  readonly answer: TSchema
  /** Media type of the answer. Default: JSON. */
  readonly answerType?: string
  /** Codes besides those that follow from access, parameters and body. */
  readonly errors?: readonly ErrorCode[]
  /** A request that works, and what it is answered with. */
  readonly example: Example
}

export interface Example {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly answer: unknown
}

/** The fields of a declared part; none when it is not declared. */
export type Given<Part extends TObject | undefined> = Part extends TObject ? Static<Part> : Record<never, never>

/** Which namespace, where a path is about one. */
export const NamespaceName = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 128,
    description: 'Name of the namespace, such as `/support`. Default: `/`.',
  }),
)
/** Whether a name may be a room's is checked by its own rule, which has a code of its own. */
export const RoomName = Type.String({ description: 'The room: 1 to 128 bytes of UTF-8.' })
export const Status = Type.Object({ status: Type.Literal('ok') })
