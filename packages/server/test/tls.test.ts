/** https and wss by two settings, with a certificate made here. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setDefaultCACertificates } from 'node:tls'
import { EventSource } from 'eventsource'
import { generate } from 'selfsigned'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createRoomful, type Roomful } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomful-tls-'))
const certPath = join(folder, 'cert.pem')
const keyPath = join(folder, 'key.pem')
let ca: string
let roomful: Roomful
let port: number

beforeAll(async () => {
  const subject = [{ name: 'commonName', value: 'localhost' }]
  const extensions = [{ name: 'subjectAltName' as const, altNames: [{ type: 2 as const, value: 'localhost' }] }]
  const made = await generate(subject, { extensions })
  ca = made.cert
  writeFileSync(certPath, made.cert)
  writeFileSync(keyPath, made.private, { mode: 0o600 })
  roomful = createRoomful({ data: ':memory:', port: 0, tlsCert: certPath, tlsKey: keyPath }).standardNamespaces()
  const listening = await roomful.listen({ port: 0 })
  expect(listening.url).toMatch(/^https:\/\/localhost:\d+$/)
  port = listening.port
})

afterAll(async () => {
  await roomful.close()
  rmSync(folder, { recursive: true })
})

it('[C16] speaks wss with the certificate of the settings, checked by the client', async () => {
  const socket = new WebSocket(`wss://localhost:${port}/ws/public?name=Ann`, { ca })
  const first = await new Promise<string>((resolve, reject) => {
    socket.once('message', (data) => resolve(String(data)))
    socket.once('error', reject)
  })
  expect(JSON.parse(first)).toMatchObject({ type: 'welcome' })
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  socket.close(1000)
  expect(await closed).toBe(1000)
})

it('[C16] speaks https on the same port', async () => {
  const status = await new Promise<number | undefined>((resolve, reject) => {
    request({ host: 'localhost', port, path: '/health', ca }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .once('error', reject)
      .end()
  })
  expect(status).toBe(200)
})

it.each([['polling'], ['websocket'], ['polling', 'websocket']])(
  '[C16] carries Socket.IO over %s %s',
  async (...transports) => {
    const socket = io(`https://localhost:${port}/public`, { forceNew: true, transports, ca, auth: { name: 'Ann' } })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
    expect(await socket.emitWithAck('room:join', 'lobby')).toMatchObject({ status: 'ok' })
    socket.disconnect()
  },
)

it('[C16] carries an EventSource and what its client says, and refuses who does not trust it', async () => {
  const url = `https://localhost:${port}`
  const say = () => fetch(`${url}/send/public?name=Ben`, { method: 'POST', body: '{"type":"room:list"}' })
  await expect(say()).rejects.toThrow()
  setDefaultCACertificates([ca])
  const source = new EventSource(`${url}/sse/public?room=lobby&name=Ann`)
  const first = await new Promise<string>((resolve) => {
    source.onmessage = ({ data }) => resolve(data)
  })
  expect(JSON.parse(first)).toMatchObject({ type: 'welcome' })
  expect(await (await say()).json()).toMatchObject({ status: 'ok' })
  source.close()
})

it.each([
  ['a file that is not there', join(folder, 'none.pem'), keyPath, /ROOMFUL_TLS_CERT: .* cannot be read \(ENOENT\)/],
  ['a key for a certificate', keyPath, keyPath, /ROOMFUL_TLS_CERT: .* holds no certificate/],
  ['a certificate for a key', certPath, certPath, /ROOMFUL_TLS_KEY: .* is not the private key/],
])('[C16] %s stops the start with a sentence', (_what, tlsCert, tlsKey, sentence) => {
  expect(() => createRoomful({ data: ':memory:', tlsCert, tlsKey })).toThrow(sentence)
})

it('[R6] [X17] answers to no foreign name on a loopback address', async () => {
  const statusUnder = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const options = { ca, host: 'localhost', servername: 'localhost', port, path: '/api/status', headers: { host } }
      request(options, ({ statusCode }) => resolve(statusCode))
        .on('error', reject)
        .end()
    })
  expect(await statusUnder('evil.example')).toBe(403)
  expect(await statusUnder(`localhost:${port}`)).toBe(200)
})
