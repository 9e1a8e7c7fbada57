/** Tokens that nobody may come in with, by class, with the word that a reason for refusing them must hold. */
import { createSign, generateKeyPairSync } from 'node:crypto'
import { forged, SECRET, token, unsignedToken } from './token.ts'

export interface BadToken {
  name: string
  token: string
  reason: RegExp
}

const HOUR_S = 3600

/** @param audience what the server under test demands, so that all others are right in that respect. */
export function badTokens(audience: string): BadToken[] {
  const claims = { sub: 'mallory', aud: audience }
  const good = token(claims, { expiresInS: HOUR_S })
  return [
    { name: 'empty', token: '', reason: /missing|empty/i },
    { name: 'malformed', token: 'not-a-jwt', reason: /malformed/i },
    { name: 'malformed: two parts', token: good.split('.').slice(0, 2).join('.'), reason: /malformed/i },
    { name: 'malformed: four parts', token: `${good}.x`, reason: /malformed/i },
    {
      name: 'malformed: claims are no JSON',
      token: `${good.split('.')[0]}.AAAA.${good.split('.')[2]}`,
      reason: /malformed|signature/i,
    },
    {
      name: 'wrong signature',
      token: token(claims, { secret: 'another secret, long enough to be one' }),
      reason: /signature/i,
    },
    {
      name: 'wrong signature: claims swapped',
      token: forged(good, { ...claims, role: 'admin' }),
      reason: /signature/i,
    },
    { name: 'wrong signature: cut short', token: good.slice(0, -4), reason: /signature|malformed/i },
    { name: 'alg none', token: unsignedToken(claims), reason: /alg/i },
    { name: 'alg none in capitals, signed', token: token(claims, { header: { alg: 'NONE' } }), reason: /alg/i },
    { name: 'alg missing', token: token(claims, { header: { typ: 'JWT' } }), reason: /alg|malformed/i },
    {
      name: 'alg RS256 with the secret as key',
      token: token(claims, { header: { alg: 'RS256' } }),
      reason: /alg|signature/i,
    },
    { name: 'alg RS256 with a key of its own', token: selfSigned(claims), reason: /alg|signature/i },
    {
      name: 'unknown critical header',
      token: token(claims, { header: { alg: 'HS256', crit: ['x'], x: 1 } }),
      reason: /./,
    },
    { name: 'expired', token: token(claims, { expiresInS: -HOUR_S }), reason: /expired/i },
    { name: 'expired just now', token: token(claims, { expiresInS: -1 }), reason: /expired/i },
    {
      name: 'not yet valid',
      token: token({ ...claims, nbf: Math.floor(Date.now() / 1000) + HOUR_S }),
      reason: /not.*(yet|active|before)|nbf/i,
    },
    { name: 'wrong audience', token: token({ ...claims, aud: 'somebody-else' }), reason: /audience/i },
    { name: 'no audience', token: token({ sub: 'mallory' }), reason: /audience/i },
    { name: 'no subject', token: token({ aud: audience }), reason: /./ },
    { name: 'subject is an object', token: token({ aud: audience, sub: { toString: 'x' } }), reason: /./ },
    { name: 'subject too long', token: token({ aud: audience, sub: 'x'.repeat(129) }), reason: /./ },
    { name: 'exp is a string', token: token({ ...claims, exp: 'never' }), reason: /./ },
  ]
}

/** Nothing that a refusal says may hold these. */
export function leaks(reason: string, bad: string): boolean {
  return (
    reason.includes(SECRET) ||
    (bad.length > 8 && reason.includes(bad.slice(0, 20))) ||
    /\bat .*:\d+|node_modules|\.ts\b/.test(reason)
  )
}

function selfSigned(claims: Record<string, unknown>): string {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = publicKey.export({ format: 'jwk' })
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'RS256', jwk, kid: '../../dev/null', jku: 'http://127.0.0.1:9/keys' })}.${part(claims)}`
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`
}
