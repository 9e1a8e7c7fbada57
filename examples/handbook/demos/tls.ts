/** Someone on the way between the client and the server: what they read, change and pretend over ws and over wss. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import type { Roomful } from '@roomful/server'
import { generate } from 'selfsigned'
import { WebSocket } from 'ws'
import { type Demo, start } from '../demo.ts'

const PATH = '/ws/public?token=secret-of-ann'

export const tls: Demo = async (print) => {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-tls-'))
  try {
    const ours = await certificate()
    const [tlsCert, tlsKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    writeFileSync(tlsCert, ours.cert)
    writeFileSync(tlsKey, ours.private, { mode: 0o600 })
    const authenticate = () => ({ sub: 'ann', name: 'Ann' })
    const prepare = (roomful: Roomful) => roomful.standardNamespaces()
    await using plain = await start(prepare, { authenticate })
    await using secure = await start(prepare, { authenticate, tlsCert, tlsKey })

    print('ws://, someone on the way')
    await using tap = await onTheWay(plain.port)
    print(`  the client gets: ${await firstMessage(`ws://localhost:${tap.port}${PATH}`)}`)
    print(`  they read:       ${tap.sent().split('\r\n')[0]}`)
    await using forger = await onTheWay(plain.port, (bytes) => replaced(bytes, '"welcome"', '"forgery"'))
    print(`  they change:     ${await firstMessage(`ws://localhost:${forger.port}${PATH}`)}`)

    print('wss://, the same person')
    await using tlsTap = await onTheWay(secure.port)
    print(`  the client gets: ${await firstMessage(`wss://localhost:${tlsTap.port}${PATH}`, ours.cert)}`)
    print(`  they read:       ${tlsTap.sent().includes('secret-of-ann') ? 'the token' : 'no token, no path, no text'}`)
    await using tlsForger = await onTheWay(secure.port, (bytes) => flipped(bytes))
    print(`  they change:     ${await firstMessage(`wss://localhost:${tlsForger.port}${PATH}`, ours.cert)}`)
    const theirs = await certificate()
    const fake = createTlsServer({ cert: theirs.cert, key: theirs.private }).listen(0, 'localhost')
    await new Promise((resolve) => fake.once('listening', resolve))
    const { port } = fake.address() as AddressInfo
    print(`  they pretend:    ${await firstMessage(`wss://localhost:${port}${PATH}`, ours.cert)}`)
    await new Promise((resolve) => fake.close(resolve))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const certificate = () =>
  generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName' as const, altNames: [{ type: 2 as const, value: 'localhost' }] }],
  })

/** A relay that keeps what the client sends, and may change what the server sends. */
async function onTheWay(port: number, change: (bytes: Buffer) => Uint8Array = (bytes) => bytes) {
  let sent = ''
  const relay = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    client.on('data', (bytes) => {
      sent += bytes.toString('latin1')
      server.write(bytes)
    })
    server.on('data', (bytes: Buffer) => client.write(change(bytes)))
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => undefined)
      one.on('close', () => other.destroy())
    }
  }).listen(0, 'localhost')
  await new Promise((resolve) => relay.once('listening', resolve))
  return {
    port: (relay.address() as AddressInfo).port,
    sent: () => sent,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => relay.close(() => resolve())),
  }
}

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1')
}

/** Nothing can be read, so anything is changed: one bit of a record that comes after the handshake. */
function flipped(bytes: Buffer): Buffer {
  const isData = bytes[0] === 0x17
  if (isData) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  return bytes
}

/** The beginning of what arrives, or why nothing does. */
function firstMessage(url: string, ca?: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, ca === undefined ? {} : { ca })
    socket.once('message', (data) => {
      resolve(String(data).slice(0, 18))
      socket.terminate()
    })
    socket.once('close', (code) => resolve(`closed with ${code}`))
    socket.once('error', (error) => resolve(`refused: ${(error as NodeJS.ErrnoException).code}`))
  })
}
