/** What accounts do, wherever they are kept: in a file of one node, or in Redis for all of them. */
import { SeededRandom, VirtualClock } from '@roomful/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { Accounts } from '../../src/adapters/auth/accounts.ts'
import { ApiKey } from '../../src/adapters/auth/api-key.ts'
import { AccountAuthenticator } from '../../src/adapters/auth/authenticator.ts'
import { TokenIssuer, TokenVerifier } from '../../src/adapters/auth/jwt.ts'
import { Passwords } from '../../src/adapters/auth/passwords.ts'
import { SignInPlaces } from '../../src/adapters/auth/sign-in-places.ts'
import { Tickets } from '../../src/adapters/auth/tickets.ts'
import type { AccountStore, Attempts } from '../../src/core/ports/accounts.ts'
import type { AccountQuestion } from '../../src/core/ports/users.ts'
import { hmacToken } from './bad-tokens.ts'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
const secret = Buffer.from(SECRET)
const cheap = { N: 2, r: 1, p: 1 }
const alice = { name: 'Alice', password: 'correct horse' }
const code = (value: string) => expect.objectContaining({ code: value })

/** @param open new ones for each test, which end with it */
export function accountBehaviour(
  open: (clock: VirtualClock) => Promise<{ store: AccountStore; attempts: Attempts }>,
): void {
  let clock: VirtualClock
  let store: AccountStore
  let accounts: Accounts
  let tickets: Tickets
  let authenticator: AccountAuthenticator
  let strict: AccountAuthenticator
  let attempts: Attempts

  beforeEach(async () => {
    clock = new VirtualClock()
    const now = () => clock.now()
    const random = new SeededRandom(1)
    ;({ store, attempts } = await open(clock))
    const issuer = new TokenIssuer({ secret, now })
    const places = new SignInPlaces(store, secret)
    accounts = new Accounts({ store, places, passwords: new Passwords(cheap), issuer, attempts, random, now })
    tickets = new Tickets(clock, random)
    const parts = { verifier: new TokenVerifier({ secret, now }), tickets, users: store }
    authenticator = new AccountAuthenticator({ ...parts, unknownUsers: 'open' })
    strict = new AccountAuthenticator({ ...parts, unknownUsers: 'strict' })
  })

  describe('signing up and in', () => {
    it('gives a token that the server knows again, also where users must be known', async () => {
      const up = await accounts.signUp(alice, undefined)
      expect(up.user).toEqual({ sub: expect.stringMatching(/^u_[a-z0-9]{20}$/), name: 'Alice', role: 'user' })
      const back = await accounts.signIn({ ...alice, name: ' aLICE ' }, undefined)
      expect(back.user).toEqual(up.user)
      expect((await strict.authenticate({ token: back.token })).user).toMatchObject(up.user)
    })

    it('keeps no password, only a salted hash', async () => {
      await accounts.signUp(alice, undefined)
      await accounts.signUp({ ...alice, name: 'Bob' }, undefined)
      const stored = [(await store.findLogin('alice'))?.password, (await store.findLogin('bob'))?.password]
      expect(stored[0]).toMatch(/^scrypt\$2\$1\$1\$[\w-]{22}\$[\w-]{43}$/)
      expect(stored[0]).not.toBe(stored[1])
    })

    it.each([
      ['wrong password', { ...alice, password: 'wrong horse' }],
      ['unknown name', { ...alice, name: 'Nobody' }],
      ['a password beyond measure', { ...alice, password: 'x'.repeat(100_000) }],
    ])('refuses a %s in the same words', async (_, given) => {
      await accounts.signUp(alice, undefined)
      const message = 'Authentication failed: wrong name or password'
      await expect(accounts.signIn(given, undefined)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message })
    })

    it.each(['Alice', 'ALICE', ' alice ', 'Ａlice', 'alice\u3000'])(
      'a name that is taken as Alice is taken as %j',
      async (name) => {
        await accounts.signUp(alice, undefined)
        const refusal = { code: 'CONFLICT', field: 'name' }
        await expect(accounts.signUp({ ...alice, name }, undefined)).rejects.toMatchObject(refusal)
      },
    )

    it('of two who want one name at once, one gets it', async () => {
      const results = await Promise.allSettled([accounts.signUp(alice, undefined), accounts.signUp(alice, undefined)])
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    })

    it.each<[unknown, unknown, string]>([
      [undefined, alice.password, 'name'],
      [7, alice.password, 'name'],
      ['', alice.password, 'name'],
      ['   ', alice.password, 'name'],
      ['x'.repeat(65), alice.password, 'name'],
      ['a\u0000b', alice.password, 'name'],
      ['\u200b\u200d', alice.password, 'name'],
      ['a\u202eb', alice.password, 'name'],
      ['Alice', undefined, 'password'],
      ['Alice', 12345678, 'password'],
      ['Alice', 'seven77', 'password'],
      ['Alice', 'x'.repeat(257), 'password'],
      ['Alexandra', 'alexandra', 'password'],
    ])('name %j with password %j: the field is named', async (name, password, field) => {
      await expect(accounts.signUp({ name, password }, undefined)).rejects.toMatchObject({
        code: 'INVALID_MESSAGE',
        field,
      })
    })

    it.each(['Zoë', '👩‍👩‍👧', 'أليس', 'דָּוִד', '<b>Alice</b>'])('[H22] takes the name %s', async (name) => {
      expect((await accounts.signUp({ ...alice, name }, undefined)).user.name).toBe(name)
      await expect(accounts.signUp({ ...alice, name: ` ${name}` }, undefined)).rejects.toEqual(code('CONFLICT'))
      expect((await accounts.signIn({ ...alice, name: name.toUpperCase() }, undefined)).user.name).toBe(name)
    })
  })

  describe('[V27] an account that is erased', () => {
    const PLACE = Buffer.from('a place where they have signed in')

    it('is gone with its name, its password and the places of its owner, and the name is free again', async () => {
      const { user } = await accounts.signUp(alice, undefined)
      await store.rememberPlace(user.sub, PLACE)
      expect(await store.isKnownPlace(user.sub, PLACE)).toBe(true)
      expect(await store.erase(user.sub)).toBe(true)
      expect(await store.find(user.sub)).toBeUndefined()
      expect(await store.isKnownPlace(user.sub, PLACE)).toBe(false)
      await expect(accounts.signIn(alice, undefined)).rejects.toEqual(code('UNAUTHENTICATED'))
      expect((await store.list({ search: '', isBanned: undefined, after: '', limit: 10 })).accounts).toEqual([])
      expect((await accounts.signUp(alice, undefined)).user.sub).not.toBe(user.sub)
    })

    it('stays banned, without anything else that it said of its owner', async () => {
      const { user } = await accounts.signUp(alice, undefined)
      await store.setBanned(user.sub, true, 'Spam')
      expect(await store.erase(user.sub)).toBe(true)
      expect(await store.find(user.sub)).toMatchObject({ sub: user.sub, name: user.sub, banned: true })
      expect((await accounts.signUp(alice, undefined)).user.name).toBe('Alice')
    })

    it('is not there twice', async () => {
      expect(await store.erase('ann')).toBe(false)
      await store.ensure({ sub: 'ann', name: 'Ann', role: 'user' })
      expect([await store.erase('ann'), await store.erase('ann')]).toEqual([true, false])
    })
  })

  describe('[H23] a token of a sign-in', () => {
    const again = async (token: string) => accounts.refresh((await authenticator.authenticate({ token })).user)
    const DAY_MS = 86_400_000

    it('is exchanged for a fresh one, as long as it is good', async () => {
      const { token, user } = await accounts.signUp(alice, undefined)
      await clock.advance(DAY_MS - 1_000)
      const fresh = await again(token)
      expect(fresh.user).toEqual(user)
      await clock.advance(2_000)
      await expect(again(token)).rejects.toEqual(code('TOKEN_EXPIRED'))
      expect((await authenticator.authenticate({ token: fresh.token })).user).toMatchObject(user)
    })

    it('is exchanged for thirty days, then the password is asked again', async () => {
      let { token } = await accounts.signUp(alice, undefined)
      for (let hours = 0; hours < 30 * 24 - 12; hours += 12) {
        await clock.advance(DAY_MS / 2)
        ;({ token } = await again(token))
      }
      await clock.advance(DAY_MS / 2)
      const refusal = { code: 'TOKEN_EXPIRED', message: 'Authentication failed: sign in again' }
      await expect(again(token)).rejects.toMatchObject(refusal)
      await expect(again((await accounts.signIn(alice, undefined)).token)).resolves.toBeDefined()
    })

    it('brings the role that the account has by now', async () => {
      const { token, user } = await accounts.signUp(alice, undefined)
      await store.setRole(user.sub, 'seller')
      const seller = await again(token)
      expect(seller.user.role).toBe('seller')
      await store.setRole(user.sub, undefined)
      expect((await again(seller.token)).user.role).toBe('user')
    })

    it('of the banned, of nobody and from elsewhere is not exchanged', async () => {
      const { token, user } = await accounts.signUp(alice, undefined)
      const elsewhere = hmacToken(SECRET, { sub: user.sub, exp: Math.floor(clock.now() / 1000) + 60 })
      await expect(again(elsewhere)).rejects.toEqual(code('FORBIDDEN'))
      const ofNobody = hmacToken(SECRET, { sub: 'carol', auth_time: Math.floor(clock.now() / 1000) })
      await expect(again(ofNobody)).rejects.toEqual(code('FORBIDDEN'))
      await store.setBanned(user.sub, true)
      await expect(again(token)).rejects.toEqual(code('BANNED'))
    })
  })

  describe('guessing', () => {
    const guess = (name: string, address: string | undefined) => accounts.signIn({ name, password: 'a guess' }, address)
    const codesOf = async (work: Promise<unknown>[]): Promise<unknown[]> =>
      (await Promise.allSettled(work)).map((result) => (result.status === 'rejected' ? result.reason.code : 'in'))

    it('ten wrong passwords lock a name for that address, told how long, and only there', async () => {
      await accounts.signUp(alice, undefined)
      const codes = await codesOf(Array.from({ length: 12 }, () => guess('alice', '192.0.2.1')))
      expect(codes.filter((each) => each === 'RATE_LIMITED')).toHaveLength(2)
      const wait = { code: 'RATE_LIMITED', retryAfterMs: 900_000 }
      await expect(accounts.signIn(alice, '192.0.2.1')).rejects.toMatchObject(wait)
      await expect(accounts.signIn(alice, '192.0.2.2')).resolves.toBeDefined()
      await clock.advance(900_000)
      await expect(accounts.signIn(alice, '192.0.2.1')).resolves.toBeDefined()
    })

    /** A hundred wrong passwords, ten from each of ten addresses. */
    async function attack(name: string): Promise<void> {
      for (let i = 0; i < 100; i++) await codesOf([guess(name, `198.51.100.${i % 10}`)])
    }
    const OWNER = '192.0.2.1'
    const device = 'a-secret-of-this-device'

    it('[H24] a hundred from ten addresses lock no owner out who has signed in there before', async () => {
      await accounts.signUp(alice, OWNER)
      await attack('alice')
      await expect(accounts.signIn(alice, '192.0.2.2')).rejects.toEqual(code('RATE_LIMITED'))
      await expect(accounts.signIn(alice, OWNER)).resolves.toBeDefined()
    })

    it('[H24] nor a known device, wherever it is by now', async () => {
      await accounts.signUp({ ...alice, device }, OWNER)
      await attack('alice')
      await codesOf(Array.from({ length: 60 }, (_, i) => guess(`name${i}`, '192.0.2.2')))
      await expect(accounts.signIn(alice, '192.0.2.2')).rejects.toEqual(code('RATE_LIMITED'))
      await expect(accounts.signIn({ ...alice, device: `${device}!` }, '192.0.2.2')).rejects.toEqual(
        code('RATE_LIMITED'),
      )
      await expect(accounts.signIn({ ...alice, device }, '192.0.2.2')).resolves.toBeDefined()
      await expect(accounts.signIn({ ...alice, device }, undefined)).resolves.toBeDefined()
    })

    it('[H24] a known place has ten guesses as any other, and no other account is known there', async () => {
      await accounts.signUp({ ...alice, device }, OWNER)
      await accounts.signUp({ ...alice, name: 'Bob' }, '192.0.2.9')
      const wrong = { name: 'alice', password: 'a guess', device }
      const codes = await codesOf(Array.from({ length: 12 }, (_, i) => accounts.signIn(wrong, `203.0.113.${i}`)))
      expect(codes.filter((each) => each === 'RATE_LIMITED')).toHaveLength(2)
      await attack('bob')
      await expect(accounts.signIn({ ...alice, name: 'Bob', device }, OWNER)).rejects.toEqual(code('RATE_LIMITED'))
    })

    it('[H24] a place is known for ninety days, and an account has the latest twenty', async () => {
      await accounts.signUp(alice, OWNER)
      for (let i = 0; i < 20; i++) {
        await clock.advance(1_000)
        await accounts.signIn(alice, `203.0.113.${i}`)
      }
      await attack('alice')
      await expect(accounts.signIn(alice, OWNER)).rejects.toEqual(code('RATE_LIMITED'))
      await expect(accounts.signIn(alice, '203.0.113.0')).resolves.toBeDefined()
      await clock.advance(90 * 86_400_000)
      await attack('alice')
      await expect(accounts.signIn(alice, '203.0.113.19')).rejects.toEqual(code('RATE_LIMITED'))
    })

    it.each([7, '', 'short', 'x'.repeat(129), null])('a device that is %j is refused by its field', async (given) => {
      const refusal = { code: 'INVALID_MESSAGE', field: 'device' }
      await expect(accounts.signUp({ ...alice, device: given }, OWNER)).rejects.toMatchObject(refusal)
      await expect(accounts.signIn({ ...alice, device: given }, OWNER)).rejects.toMatchObject(refusal)
    })

    it('signing in rightly does not count', async () => {
      await accounts.signUp(alice, undefined)
      for (let i = 0; i < 60; i++) await accounts.signIn(alice, '192.0.2.1')
    })

    it('one address cannot try fifty names, nor fifty addresses one name without end', async () => {
      for (let i = 0; i < 50; i++) await expect(guess(`name${i}`, '192.0.2.1')).rejects.toEqual(code('UNAUTHENTICATED'))
      await expect(guess('name51', '192.0.2.1')).rejects.toEqual(code('RATE_LIMITED'))
      for (let i = 0; i < 100; i++)
        await expect(guess('bob', `198.51.100.${i}`)).rejects.toEqual(code('UNAUTHENTICATED'))
      await expect(guess('bob', '198.51.100.200')).rejects.toEqual(code('RATE_LIMITED'))
    })

    it('one address cannot make accounts without end', async () => {
      for (let i = 0; i < 20; i++) await accounts.signUp({ ...alice, name: `a${i}` }, '192.0.2.1')
      await expect(accounts.signUp({ ...alice, name: 'b' }, '192.0.2.1')).rejects.toEqual(code('RATE_LIMITED'))
      await expect(accounts.signUp({ ...alice, name: 'b' }, '192.0.2.2')).resolves.toBeDefined()
    })

    it('a flood of hashing is refused, not queued, and does not count as guesses', async () => {
      const codes = await codesOf(Array.from({ length: 40 }, (_, i) => guess(`n${i}`, undefined)))
      const refused = codes.filter((each) => each === 'UNAVAILABLE').length
      // At most 34 wait at once. With Redis the last ones may come when the first are done already.
      expect(refused).toBeGreaterThan(0)
      expect(refused).toBeLessThanOrEqual(6)
      expect(codes.filter((each) => each === 'UNAUTHENTICATED')).toHaveLength(40 - refused)
    })
  })

  describe('the authenticator', () => {
    const token = hmacToken(SECRET, { sub: 'carol', name: 'Carol', role: 'support' })

    it('a valid token of an unknown user creates the user', async () => {
      expect(await store.find('carol')).toBeUndefined()
      await authenticator.authenticate({ token })
      expect(await store.find('carol')).toEqual({ sub: 'carol', name: 'Carol', role: undefined, banned: false })
    })

    it('[B31] refuses who is unknown when ROOMFUL_USERS is strict', async () => {
      await expect(strict.authenticate({ token })).rejects.toEqual(code('USER_UNKNOWN'))
      await authenticator.authenticate({ token })
      await expect(strict.authenticate({ token })).resolves.toMatchObject({ user: { sub: 'carol' } })
    })

    it('refuses the banned, by token, ticket and password', async () => {
      const { user } = await accounts.signUp(alice, undefined)
      const { token } = await accounts.signIn(alice, undefined)
      const ticket = tickets.issue({ user, expiresAt: undefined })
      await store.setBanned(user.sub, true)
      await expect(authenticator.authenticate({ token })).rejects.toEqual(code('BANNED'))
      await expect(authenticator.authenticate({ ticket })).rejects.toEqual(code('BANNED'))
      await expect(accounts.signIn(alice, undefined)).rejects.toEqual(code('BANNED'))
      await store.setBanned(user.sub, false)
      await expect(authenticator.authenticate({ token })).resolves.toBeDefined()
    })

    it("the token's role counts until an administrator gives the account one", async () => {
      const roleOf = async () => (await authenticator.authenticate({ token })).user.role
      expect(await roleOf()).toBe('support')
      await store.setRole('carol', 'user')
      expect(await roleOf()).toBe('user')
      await store.setRole('carol', undefined)
      expect(await roleOf()).toBe('support')
    })

    it('needs something to go by', async () => {
      await expect(authenticator.authenticate({ name: 'Dave' })).rejects.toEqual(code('UNAUTHENTICATED'))
      await expect(authenticator.authenticate({ token: '' })).rejects.toEqual(code('TOKEN_INVALID'))
      await expect(authenticator.authenticate({ ticket: '' })).rejects.toEqual(code('TOKEN_INVALID'))
    })
  })

  describe('the list of accounts', () => {
    const all = { search: '', isBanned: undefined, after: '', limit: 100 }
    const idsOf = async (question: Partial<AccountQuestion>) =>
      (await store.list({ ...all, ...question })).accounts.map(({ sub }) => sub)

    beforeEach(async () => {
      for (const sub of ['b', 'a', 'd', 'c', 'ä', 'C2']) {
        await store.ensure({ sub, name: `Name of ${sub}`, role: 'user' })
      }
    })

    it('is in the order of ids, page by page', async () => {
      expect(await idsOf({})).toEqual(['C2', 'a', 'b', 'c', 'd', 'ä'])
      expect(await idsOf({ limit: 2 })).toEqual(['C2', 'a'])
      expect(await idsOf({ limit: 3, after: 'a' })).toEqual(['b', 'c', 'd'])
      expect(await idsOf({ after: 'ä' })).toEqual([])
      expect(await store.list({ ...all, limit: 1 })).toEqual({
        accounts: [{ sub: 'C2', name: 'Name of C2', role: undefined, banned: false, createdAt: clock.now() }],
        stoppedAt: undefined,
      })
    })

    it('is searched by part of the name in any case, by the name for signing in, and by the whole id', async () => {
      await accounts.signUp({ username: 'ⅷ Eve', name: 'Someone', password: 'correct horse' }, undefined)
      expect(await idsOf({ search: 'NAME OF c' })).toEqual(['C2', 'c'])
      expect(await idsOf({ search: 'viii e' })).toHaveLength(1)
      expect(await idsOf({ search: 'd' })).toEqual(['d'])
      expect(await idsOf({ search: 'name', after: 'c', limit: 1 })).toEqual(['d'])
      expect(await idsOf({ search: '%' })).toEqual([])
    })

    it('is that of the banned, or of the others', async () => {
      for (const sub of ['c', 'a']) await store.setBanned(sub, true, 'Spam')
      await store.setBanned('c', false)
      await store.setBanned('unknown', true)
      expect(await idsOf({ isBanned: true })).toEqual(['a'])
      expect(await idsOf({ isBanned: false })).toEqual(['C2', 'b', 'c', 'd', 'ä'])
      expect(await idsOf({ isBanned: true, search: 'of b' })).toEqual([])
      expect(await store.find('a')).toMatchObject({ banned: true, banReason: 'Spam' })
      expect(await store.find('c')).toMatchObject({ banned: false, banReason: undefined })
      expect(await store.find('unknown')).toBeUndefined()
    })
  })

  describe('the API key', () => {
    const KEY = 'a key of sixteen characters'
    const at = (ip: string, countedAddress: string | undefined = ip) => ({ ip, countedAddress, userAgent: 'test' })

    it('cannot be guessed: 20 wrong ones in a minute, and the address is refused with the right one too', async () => {
      const key = new ApiKey(KEY, { attempts, observer: { observe: () => undefined } })
      for (let i = 0; i < 20; i++)
        await expect(key.check(`no ${i}`, at('192.0.2.1'))).rejects.toEqual(code('TOKEN_INVALID'))
      await expect(key.check('no', at('192.0.2.1'))).rejects.toMatchObject({
        code: 'RATE_LIMITED',
        retryAfterMs: 60_000,
      })
      await expect(key.check(KEY, at('192.0.2.1'))).rejects.toEqual(code('RATE_LIMITED'))
      await expect(key.check(KEY, at('192.0.2.2'))).resolves.toBeUndefined()
      await clock.advance(60_000)
      for (let i = 0; i < 40; i++) await key.check(KEY, at('192.0.2.1'))
    })
  })
}
