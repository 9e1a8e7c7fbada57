/** An attack on one account over HTTP, behind a proxy that says where requests come from. */
import { expect, it } from 'vitest'
import { serveHttp } from './serving.ts'

const account = { username: 'owner', password: 'a long password' }

it('[R6] [H24] a hundred wrong passwords from ten addresses leave the owner in at home and by a known device', async () => {
  await using serving = await serveHttp({ trustProxy: ['127.0.0.1'] })
  const signIn = async (from: string, body: object, path = '/api/session'): Promise<number> => {
    const headers = { 'x-forwarded-for': from }
    return (await fetch(serving.url + path, { method: 'POST', headers, body: JSON.stringify(body) })).status
  }
  const device = 'a-secret-of-this-device'
  expect(await signIn('192.0.2.1', { ...account, device }, '/api/users')).toBe(201)
  // Too long to be anyone's, so it is counted and not hashed: a hundred hashes take a busy machine a minute.
  const guess = { ...account, password: 'x'.repeat(300) }
  const wrong = Array.from({ length: 10 }, async (_, i) => {
    for (let n = 0; n < 10; n++) expect(await signIn(`198.51.100.${i}`, guess)).toBe(401)
  })
  await Promise.all(wrong)
  expect(await signIn('203.0.113.7', account)).toBe(429)
  expect(await signIn('192.0.2.1', account)).toBe(200)
  expect(await signIn('203.0.113.7', { ...account, device })).toBe(200)
  expect(await signIn('203.0.113.7', { ...account, device: 1 })).toBe(400)
})
