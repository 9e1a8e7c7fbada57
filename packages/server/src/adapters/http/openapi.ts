/** `/api/openapi.json`: OpenAPI 3.1 of every path, generated from the declarations that the routes use. */
import { ERROR_CODES, type ErrorCode } from '@roomful/protocol'
import { type TSchema, Type } from 'typebox'
import { type Access, type Declaration, endpoint, type Route } from './declare.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The route of the document.
 * @param routes all routes, this one included; called at the first request
 */
export function openApiRoute(routes: () => readonly Route[]): Route {
  let document: Json | undefined
  return endpoint(
    {
      method: 'GET',
      path: '/api/openapi.json',
      tag: 'status',
      summary: 'This description.',
      access: 'anyone',
      answer: Type.Object({ openapi: Type.String(), info: Type.Object({}), paths: Type.Object({}) }),
      example: { answer: { openapi: '3.1.0', info: {}, paths: {} } },
    },
    {
      respond({ host }) {
        document ??= openApiDocument(
          routes().flatMap(({ declaration }) => declaration ?? []),
          host.version,
        )
        return { ...document, servers: [{ url: host.basePath === '' ? '/' : host.basePath }] }
      },
    },
  )
}

/** @returns the document, as data */
function openApiDocument(declarations: readonly Declaration[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const declaration of declarations) {
    paths[declaration.path] = { ...paths[declaration.path], [declaration.method.toLowerCase()]: operation(declaration) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Roomful',
      version,
      summary: 'Rooms, read and written over HTTP.',
      description: 'For users, with a token; and for other backends, with the API key. Live events are in PROTOCOL.md.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    tags: TAGS,
    paths,
    components: {
      securitySchemes: {
        user: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The token of a user.' },
        key: { type: 'http', scheme: 'bearer', description: 'The value of ROOMFUL_API_KEY.' },
      },
      schemas: { Error: ErrorBody },
    },
  }
}

const TAGS = [
  { name: 'status', description: 'How the server is.' },
  { name: 'accounts', description: 'Signing up and in.' },
  { name: 'rooms', description: 'Rooms, read by a user.' },
  { name: 'notifications', description: 'Messages of the application to a user, connected or away.' },
  { name: 'transports', description: 'Rooms for clients without a WebSocket.' },
  { name: 'server', description: 'For other backends.' },
  {
    name: 'inspection',
    description:
      'Connections, their stories, and why a client did not see an event. For admins too, also without an API key.',
  },
] as const

const ErrorBody = Type.Object({
  error: Type.Object({
    code: Type.String({ description: 'Stable; the catalogue is in PROTOCOL.md.' }),
    message: Type.String({ description: 'A sentence a person can act on.' }),
    retryAfter: Type.Optional(Type.Integer({ minimum: 1, description: 'Whole seconds.' })),
    field: Type.Optional(Type.String({ description: 'What was wrong, as `a.b.0`.' })),
  }),
})

const SECURITY: Readonly<Record<Access, readonly Json[]>> = {
  anyone: [],
  user: [{ user: [] }],
  key: [{ key: [] }],
  admin: [{ key: [] }, { user: [] }],
  client: [{ user: [] }, {}],
}

const ACCESS_ERRORS: Readonly<Record<Access, readonly ErrorCode[]>> = {
  anyone: [],
  user: ['UNAUTHENTICATED', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'USER_UNKNOWN', 'BANNED'],
  key: ['UNAUTHENTICATED', 'TOKEN_INVALID', 'RATE_LIMITED'],
  admin: ['UNAUTHENTICATED', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'FORBIDDEN', 'RATE_LIMITED'],
  client: ['UNAUTHENTICATED', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'USER_UNKNOWN', 'BANNED', 'TOO_MANY_CONNECTIONS'],
}

function operation(declaration: Declaration): Json {
  const { method, path, tag, summary, description, access, body, status = 200, answer, example } = declaration
  const { answerType = 'application/json' } = declaration
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[/.{}-]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: SECURITY[access],
    parameters: [...parameters(declaration, 'path'), ...parameters(declaration, 'query')],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body, example: example.body } } } }),
    responses: {
      [status]: { description: 'As asked.', content: { [answerType]: { schema: answer, example: example.answer } } },
      ...refusals(declaration),
    },
  }
}

function parameters(declaration: Declaration, place: 'path' | 'query'): Json[] {
  const schema = place === 'path' ? declaration.params : declaration.query
  const examples: Readonly<Record<string, string>> = declaration.example[place === 'path' ? 'params' : 'query'] ?? {}
  return Object.entries(schema?.properties ?? {}).map(([name, field]: [string, TSchema]) => {
    const { description, ...rest } = field as { description?: string }
    const isInteger = 'type' in field && field.type === 'integer'
    const given = examples[name]
    return {
      name,
      in: place,
      required: place === 'path' || ((schema?.required ?? []) as readonly string[]).includes(name),
      schema: rest,
      ...(description === undefined ? {} : { description }),
      ...(given === undefined ? {} : { example: isInteger ? Number(given) : given }),
    }
  })
}

/** The possible errors, by HTTP status. */
function refusals({ access, params, query, body, errors = [] }: Declaration): Record<string, Json> {
  const codes = new Set<ErrorCode>([
    ...ACCESS_ERRORS[access],
    ...(query || body ? (['INVALID_MESSAGE'] as const) : []),
    ...(params || (body && 'roomId' in body.properties) ? (['ROOM_NAME_INVALID'] as const) : []),
    ...(body ? (['PARSE_ERROR', 'TOO_LARGE', 'TIMEOUT'] as const) : []),
    ...errors,
  ])
  const byStatus = Map.groupBy(codes, (code) => (code === 'TIMEOUT' ? 408 : ERROR_CODES[code].http))
  return Object.fromEntries(
    Array.from(byStatus, ([status, group]) => [
      status,
      {
        description: group.map((code) => `\`${code}\`: ${ERROR_CODES[code].message}.`).join(' '),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        ...(status === 429 || status === 503
          ? { headers: { 'Retry-After': { description: 'Whole seconds.', schema: { type: 'integer' } } } }
          : {}),
      },
    ]),
  )
}
