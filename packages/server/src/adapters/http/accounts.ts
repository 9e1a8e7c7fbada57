/** Signing up, signing in, and tickets. PROTOCOL.md 3 and 12. The accounts check names and passwords. */
import { Type } from 'typebox'
import { endpoint, type Route } from './declare.ts'

const SignedIn = Type.Object({
  token: Type.String({ description: 'A JWT, good for 24 hours.' }),
  user: Type.Object({ sub: Type.String(), name: Type.String(), role: Type.String() }),
})
const Device = Type.String({
  description: 'A random string that this client keeps, 16 to 128 characters: it is known again by it.',
})
const ada = { sub: 'u_4f0q1zv7k2m9x8c3b5na', name: 'Ada', role: 'user' }

export const accountRoutes: readonly Route[] = [
  endpoint(
    {
      method: 'POST',
      path: '/api/users',
      tag: 'accounts',
      summary: 'Sign up.',
      access: 'anyone',
      body: Type.Object({
        username: Type.Optional(
          Type.String({ description: 'What one signs in with, 1 to 64 characters; `name` when it is left out.' }),
        ),
        name: Type.Optional(Type.String({ description: 'What others see; `username` when it is left out.' })),
        password: Type.Optional(Type.String({ description: '8 to 256 characters.' })),
        device: Type.Optional(Device),
      }),
      status: 201,
      answer: SignedIn,
      errors: ['CONFLICT', 'RATE_LIMITED', 'UNAVAILABLE'],
      example: {
        body: { username: 'ada', name: 'Ada', password: 'a long password' },
        answer: { token: 'eyJhbGciOiJIUzI1NiJ9.…', user: ada },
      },
    },
    { respond: ({ host, body, exchange }) => host.accounts.signUp(body, exchange.countedAddress) },
  ),
  endpoint(
    {
      method: 'POST',
      path: '/api/session',
      tag: 'accounts',
      summary: 'Sign in.',
      description:
        'Ten wrong passwords for a name from one address lock it there for up to a quarter of an hour, and a hundred from everywhere lock it where it has not signed in before. A known `device` is counted by itself.',
      access: 'anyone',
      body: Type.Object({
        username: Type.Optional(Type.String({ description: 'May also be called `name`.' })),
        name: Type.Optional(Type.String()),
        password: Type.Optional(Type.String()),
        device: Type.Optional(Device),
      }),
      answer: SignedIn,
      errors: ['UNAUTHENTICATED', 'BANNED', 'RATE_LIMITED', 'UNAVAILABLE'],
      example: {
        body: { username: 'ada', password: 'a long password' },
        answer: { token: 'eyJhbGciOiJIUzI1NiJ9.…', user: ada },
      },
    },
    { respond: ({ host, body, exchange }) => host.accounts.signIn(body, exchange.countedAddress) },
  ),
  endpoint(
    {
      method: 'POST',
      path: '/api/session/refresh',
      tag: 'accounts',
      summary: 'A fresh token for one of a sign-in that is still good, with the role that the account has by now.',
      description:
        'Goes on for 30 days, then `TOKEN_EXPIRED`: the password is asked again. A token that was made elsewhere is refused with `FORBIDDEN`, and that of a banned user with `BANNED`.',
      access: 'user',
      answer: SignedIn,
      errors: ['FORBIDDEN'],
      example: { answer: { token: 'eyJhbGciOiJIUzI1NiJ9.…', user: ada } },
    },
    { respond: ({ host, identity }) => host.accounts.refresh(identity.user) },
  ),
  endpoint(
    {
      method: 'POST',
      path: '/api/tickets',
      tag: 'accounts',
      summary: 'A ticket, which opens one link within 30 s by `?ticket=` in its URL.',
      access: 'user',
      status: 201,
      answer: Type.Object({ ticket: Type.String() }),
      errors: ['UNAVAILABLE'],
      example: { answer: { ticket: 'f3q9…' } },
    },
    { respond: async ({ host, identity }) => ({ ticket: await host.tickets.issue(identity) }) },
  ),
]
