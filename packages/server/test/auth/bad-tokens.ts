/**
 * Tokens that must never let anyone in, each with the class that the refusal names. R5. Made by hand with node:crypto,
 * not by the library that judges them.
 */
import { createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'

export interface BadToken {
  readonly name: string
  readonly token: string
  /** What the sentence of the refusal says. */
  readonly says: RegExp
}

export interface Claims {
  readonly [claim: string]: unknown
}

const MALFORMED = /malformed token|token is empty|token is too long/
const SIGNATURE = /wrong signature/
const SIGNATURE_OR_FORM = /signature|malformed/
const ALGORITHM = /algorithm of the signature is not allowed/
const ALGORITHM_OR_FORM = /algorithm|malformed/

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token signed with HMAC, whatever its header says. */
export function hmacToken(
  secret: string | Buffer,
  claims: unknown,
  header: unknown = { alg: 'HS256', typ: 'JWT' },
  hash = 'sha256',
): string {
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`
}

/** A token signed with RS256, whatever its header says. */
export function rsaToken(key: KeyObject, claims: unknown, header: unknown): string {
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${createSign('sha256').update(signed).sign(key).toString('base64url')}`
}

/**
 * @param good claims that would pass; `aud` and `iss` are those that the server asks for
 * @param nowS seconds since 1970
 */
export function badTokens(secret: string, good: Claims, nowS: number): BadToken[] {
  return [
    ...wrongSignatures(secret, good),
    ...wrongAlgorithms(secret, good),
    ...wrongTimes(secret, good, nowS),
    ...wrongParties(secret, good),
    ...nobody(secret, good),
    ...notTokens(secret, good),
    ...headerTricks(secret, good),
  ]
}

function wrongSignatures(secret: string, good: Claims): BadToken[] {
  const token = hmacToken(secret, good)
  const [header = '', payload = '', signature = ''] = token.split('.')
  const signedWith = (signature: string): string => `${header}.${payload}.${signature}`
  const changedAt = (index: number): string =>
    signedWith(`${signature.slice(0, index)}${signature[index] === 'A' ? 'B' : 'A'}${signature.slice(index + 1)}`)
  const hmacOf = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url')
  const secrets = [
    '',
    ' ',
    'secret',
    `${secret} `,
    ` ${secret}`,
    secret.toUpperCase(),
    secret.slice(0, -1),
    `${secret}\n`,
  ]
  const says = SIGNATURE
  return [
    ...secrets.map((other, index) => ({ name: `another secret (${index})`, token: hmacToken(other, good), says })),
    ...[0, 7, 20, 41].map((index) => ({ name: `signature changed at ${index}`, token: changedAt(index), says })),
    { name: 'other claims', token: `${header}.${encode({ ...good, role: 'admin' })}.${signature}`, says },
    { name: 'another header', token: `${encode({ typ: 'JWT', alg: 'HS256' })}.${payload}.${signature}`, says },
    { name: 'signature all zero', token: signedWith('A'.repeat(43)), says },
    { name: 'signature of the payload alone', token: signedWith(hmacOf(payload)), says },
    { name: 'HS512 bytes under HS256', token: hmacToken(secret, good, undefined, 'sha512'), says },
    { name: 'sha1 under HS256', token: hmacToken(secret, good, undefined, 'sha1'), says },
    { name: 'signature cut by one letter', token: token.slice(0, -1), says: SIGNATURE_OR_FORM },
    { name: 'signature cut by half', token: token.slice(0, -22), says: SIGNATURE_OR_FORM },
    { name: 'signature doubled', token: `${token}${signature}`, says: SIGNATURE_OR_FORM },
    { name: 'signature lengthened', token: `${token}A`, says: SIGNATURE_OR_FORM },
    { name: 'signature empty', token: signedWith(''), says: SIGNATURE_OR_FORM },
    { name: 'signature in lower case', token: signedWith(signature.toLowerCase()), says: SIGNATURE_OR_FORM },
    {
      name: 'signature in hex',
      token: signedWith(Buffer.from(signature, 'base64url').toString('hex')),
      says: SIGNATURE_OR_FORM,
    },
    { name: 'header and payload exchanged', token: `${payload}.${header}.${signature}`, says: ALGORITHM_OR_FORM },
  ]
}

function wrongAlgorithms(secret: string, good: Claims): BadToken[] {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const ownKey = { alg: 'RS256', jwk: publicKey.export({ format: 'jwk' }) }
  const nones = ['none', 'None', 'NONE', 'nOnE', ' none', 'none ', 'none\0', '']
  const names = ['HS384', 'HS512', 'hs256', 'HS256 ', 'RS256', 'PS256', 'ES256', 'ES256K', 'EdDSA', 'dir', 'RSA-OAEP']
  const oddities: [string, unknown][] = [
    ['missing', { typ: 'JWT' }],
    ['a list', { alg: ['HS256'] }],
    ['null', { alg: null }],
    ['an object', { alg: { toString: 'HS256' } }],
    ['given twice', '{"alg":"HS256","alg":"none"}'],
  ]
  const says = ALGORITHM
  return [
    ...nones.map((alg) => ({
      name: `alg ${JSON.stringify(alg)}, no signature`,
      token: `${encode({ alg, typ: 'JWT' })}.${encode(good)}.`,
      says: ALGORITHM_OR_FORM,
    })),
    ...nones.map((alg) => ({
      name: `alg ${JSON.stringify(alg)}, signed`,
      token: hmacToken(secret, good, { alg, typ: 'JWT' }),
      says: ALGORITHM_OR_FORM,
    })),
    ...names.map((alg) => ({
      name: `alg ${JSON.stringify(alg)} with our secret`,
      token: hmacToken(secret, good, { alg, typ: 'JWT' }),
      says,
    })),
    ...oddities.map(([name, header]) => ({
      name: `alg is ${name}`,
      token: hmacToken(secret, good, header),
      says: ALGORITHM_OR_FORM,
    })),
    { name: 'HS384, truly', token: hmacToken(secret, good, { alg: 'HS384' }, 'sha384'), says },
    { name: 'HS512, truly', token: hmacToken(secret, good, { alg: 'HS512' }, 'sha512'), says },
    { name: 'RS256 of a stranger', token: rsaToken(privateKey, good, { alg: 'RS256', typ: 'JWT' }), says },
    { name: 'RS256 with its own key in the header', token: rsaToken(privateKey, good, ownKey), says },
    { name: 'HS256 with a public key as the secret', token: hmacToken(pem, good), says: SIGNATURE },
  ]
}

function wrongTimes(secret: string, good: Claims, nowS: number): BadToken[] {
  const sign = (claims: Claims): string => hmacToken(secret, { ...good, ...claims })
  const past = [nowS, nowS - 1, nowS - 60, 1, 0, -1, -1e300, 0.5]
  const notNumbers = [String(nowS + 3600), null, true, {}, [nowS + 3600], 'never', '']
  return [
    ...past.map((exp) => ({ name: `exp ${exp}`, token: sign({ exp }), says: /token expired/ })),
    ...[nowS + 1, nowS + 3600, 1e300].map((nbf) => ({
      name: `nbf ${nbf}`,
      token: sign({ nbf }),
      says: /not valid yet/,
    })),
    ...['exp', 'nbf', 'iat'].flatMap((claim) =>
      notNumbers.map((value) => ({
        name: `${claim} ${JSON.stringify(value)}`,
        token: sign({ [claim]: value }),
        says: MALFORMED,
      })),
    ),
    { name: 'expired and of another audience', token: sign({ exp: 1, aud: 'elsewhere' }), says: /expired|audience/ },
  ]
}

function wrongParties(secret: string, { aud, iss, ...rest }: Claims): BadToken[] {
  const sign = (claims: Claims): string => hmacToken(secret, { ...rest, ...claims })
  const unlike = (right: unknown): unknown[] => [
    'elsewhere',
    '',
    null,
    1,
    [],
    { 0: right },
    `${right} `,
    `${right}/`,
    String(right).toUpperCase(),
    `${right},elsewhere`,
  ]
  return [
    ...[...unlike(aud), ['elsewhere'], undefined].map((other) => ({
      name: `aud ${JSON.stringify(other)}`,
      token: sign({ iss, aud: other }),
      says: /wrong audience/,
    })),
    ...[...unlike(iss), undefined].map((other) => ({
      name: `iss ${JSON.stringify(other)}`,
      token: sign({ aud, iss: other }),
      says: /wrong issuer/,
    })),
  ]
}

function nobody(secret: string, { sub: _, ...rest }: Claims): BadToken[] {
  const strange = [undefined, '', null, {}, [], ['alice'], true, 1.5]
  const unfit = ['x'.repeat(129), '🙂'.repeat(33), 'guest:abc', 'a\u0000b', 'a\nb', '\ud800']
  return [...strange, ...unfit].map((sub) => ({
    name: `sub ${JSON.stringify(sub)?.slice(0, 20)}`,
    token: hmacToken(secret, { ...rest, sub }),
    says: /subject/,
  }))
}

function notTokens(secret: string, good: Claims): BadToken[] {
  const token = hmacToken(secret, good)
  const [header = '', payload = '', signature = ''] = token.split('.')
  const bare = ['', ' ', '.', '..', '...', 'null', 'undefined', 'Bearer', '🙂.🙂.🙂', 'A'.repeat(9000)]
  const around = [`Bearer ${token}`, `${token}.`, `.${token}`, `${token} `, ` ${token}`, `${token}\n`, `${token}\0`]
  const parts = [header, `${header}.${payload}`, `${header}..${signature}`, `.${payload}.${signature}`]
  const shapes = [`"${token}"`, `${token}.${token}`, token.replaceAll('.', ','), JSON.stringify(good), `${token}=`]
  const jwe = `${encode({ alg: 'dir', enc: 'A256GCM' })}..aaaa.bbbb.cccc`
  const claims = [
    'null',
    '1',
    '"alice"',
    '[]',
    '[{"sub":"alice"}]',
    '',
    '{',
    '{"sub":"a"',

    'sub=a',
  ]
  return [
    ...[...bare, ...around, ...parts, ...shapes, jwe].map((text) => ({
      name: `text ${JSON.stringify(text.slice(0, 12))} of ${text.length}`,
      token: text,
      says: /malformed|algorithm|empty|too long|signature/,
    })),
    ...claims.map((text) => ({
      name: `signed claims ${JSON.stringify(text)}`,
      token: hmacToken(secret, text),
      says: MALFORMED,
    })),
    { name: 'signed claims that are no UTF-8', token: notUtf8(secret), says: MALFORMED },
  ]
}

function notUtf8(secret: string): string {
  const payload = Buffer.from('{"sub":"al\xe9ce"}', 'latin1').toString('base64url')
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${payload}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

function headerTricks(secret: string, good: Claims): BadToken[] {
  const url = 'http://127.0.0.1:9/jwks.json'
  const kids = ['../../dev/null', '/dev/null', "' OR '1'='1", url, '| whoami', '__proto__']
  const pointers = [{ jku: url }, { x5u: url }, { jwk: { kty: 'oct', k: encode('x') } }, { x5c: ['MIIB'] }]
  const broken = [
    '["HS256"]',
    'null',
    '{"alg":"HS256"',
    '{"alg":"HS256","crit":["exp"],"exp":1}',
    '{"alg":"HS256","crit":[]}',
  ]
  return [
    ...kids.map((kid) => ({
      name: `kid ${kid}, empty key`,
      token: hmacToken('', good, { alg: 'HS256', kid }),
      says: SIGNATURE,
    })),
    ...pointers.map((pointer) => ({
      name: `its own ${Object.keys(pointer)[0]}`,
      token: hmacToken('x', good, { alg: 'HS256', ...pointer }),
      says: SIGNATURE,
    })),
    ...broken.map((header) => ({
      name: `header ${header}`,
      token: hmacToken(secret, good, header),
      says: ALGORITHM_OR_FORM,
    })),
    {
      name: 'unencoded payload',
      token: hmacToken(secret, good, { alg: 'HS256', b64: false, crit: ['b64'] }),
      says: SIGNATURE_OR_FORM,
    },
  ]
}
