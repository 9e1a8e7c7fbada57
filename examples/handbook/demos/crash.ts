/** One malformed frame, and a server that has no `error` listener on its sockets; then ours. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { Client, type Demo, start } from '../demo.ts'

const SERVER = `
import { WebSocketServer } from 'ws'
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
server.on('listening', () => console.log(server.address().port))
server.on('connection', (socket) => { /* LISTENER */ })
`
const LISTENER = "socket.on('error', ({ message }) => console.error(message))"

export const crash: Demo = async (print) => {
  print(`ws without a listener:  ${await attack(SERVER)}`)
  print(`ws with a listener:     ${await attack(SERVER.replace('/* LISTENER */', LISTENER))}`)
  await using server = await start()
  const bystander = await Client.open(server.port, 'Ben')
  await malformed(`ws://127.0.0.1:${server.port}/ws/public?name=Ann`)
  bystander.send({ type: 'ping' })
  print(`Roomful:                a bystander is answered: ${(await bystander.next('pong')).type}`)
  bystander.socket.close(1000)
}

async function attack(program: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  const ended = once(child, 'exit').then(([code]) => `the process ends with ${code}`)
  await malformed(`ws://127.0.0.1:${String(port).trim()}`)
  const said = once(child.stderr, 'data').then(() => 'the process goes on, and says')
  const outcome = errors === '' ? await Promise.race([ended, said]) : 'the process goes on, and says'
  const [message = ''] = /Invalid WebSocket frame: [^\n]*|RangeError: [^\n]*/.exec(errors) ?? []
  const end = outcome.startsWith('the process ends') || /throw er/.test(errors) ? await ended : outcome
  child.kill()
  return `${end}: ${message.replace('RangeError: ', '')}`
}

/** A frame that is not masked; until the socket is closed. */
async function malformed(url: string): Promise<void> {
  const socket = new WebSocket(url)
  socket.on('error', () => undefined)
  const below = new Promise<Socket>((resolve) => socket.once('upgrade', (response) => resolve(response.socket)))
  await once(socket, 'open')
  ;(await below).write(Buffer.from([0x81, 0x01, 0x78]))
  await once(socket, 'close')
}
