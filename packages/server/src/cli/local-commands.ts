/** The commands that need no running server: `config` and `token`. */
import { type Claims, identityOf, isRole, ROLES } from '../adapters/auth/claims.ts'
import { TokenIssuer } from '../adapters/auth/jwt.ts'
import { findSecret } from '../adapters/auth/secret.ts'
import { ConfigError } from '../config/config-error.ts'
import { describeLoaded, loadedAsJson } from '../config/describe.ts'
import { loadWithOrigins } from '../config/load.ts'
import { readFormat } from './api.ts'

/** How `config` is called. */
export interface ConfigCommand {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The settings in force, and where each came from. @throws ConfigError */
export function printConfig({ argv, env }: ConfigCommand): string {
  const loaded = loadWithOrigins({ argv, env, commandFlags: ['format'] })
  return readFormat(loaded.commandFlags.format)
    ? JSON.stringify(loadedAsJson(loaded), undefined, 2)
    : describeLoaded(loaded)
}

/** How `token` is called. */
export interface TokenCommand {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Called with a warning for the user. */
  readonly warn: (sentence: string) => void
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A token that the server with the same secret accepts. @throws ConfigError (rejects) */
export async function printToken({ argv, env, warn }: TokenCommand): Promise<string> {
  const { settings, commandFlags } = loadWithOrigins({ argv, env, commandFlags: ['sub', 'name', 'role', 'expires'] })
  const { sub, name, role = 'user', expires = '24h' } = commandFlags
  if (sub === undefined) throw new ConfigError('Say who the token is for: roomful token --sub alice.')
  if (!isRole(role))
    throw new ConfigError(`--role must be ${ROLES.slice(0, -1).join(', ')} or ${ROLES.at(-1)}, not "${role}".`)
  const lifetimeMs = readLifetime(expires)
  const { data, jwtSecret, jwtAudience: audience, jwtIssuer: issuer } = settings
  if (jwtSecret === undefined && data === ':memory:') {
    throw new ConfigError('A server with ROOMFUL_DATA :memory: and no JWT_SECRET keeps its secret to itself.')
  }
  const secret = findSecret(jwtSecret, data)
  if (secret.isRisky && secret.notice !== undefined) warn(secret.notice)
  const { user } = checked({ sub, name, role })
  return new TokenIssuer({ secret: secret.bytes, audience, issuer, now: Date.now }).issueToken(user, lifetimeMs)
}

/** Reads the claims as the server does, so that no token is printed which it would refuse. */
function checked(claims: Claims): ReturnType<typeof identityOf> {
  try {
    return identityOf(claims)
  } catch (error) {
    const what = error instanceof Error ? error.message.replace('Authentication failed: ', '') : String(error)
    throw new ConfigError(`--sub cannot be used: ${what}.`, { cause: error })
  }
}

function readLifetime(expires: string): number | undefined {
  if (expires === 'never') return undefined
  const [, amount, unit = ''] = /^(\d{1,9})([smhd])$/.exec(expires) ?? []
  const lifetimeMs = Number(amount) * (UNIT_MS[unit] ?? Number.NaN)
  if (lifetimeMs > 0) return lifetimeMs
  throw new ConfigError(`--expires must be like 30s, 15m, 12h or 7d, or never; not "${expires}".`)
}
