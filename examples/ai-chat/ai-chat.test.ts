/** The chats of the AI SDK and of TanStack AI, each as it is, over a room. The model is one that the tests move on. D17. */
import { Chat } from '@ai-sdk/react'
import { type AnyContract, type Client, connect } from '@roomful/client'
import { createRoomful } from '@roomful/server'
import { ChatClient } from '@tanstack/ai-client'
import type { UIMessage } from 'ai'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { RoomTransport } from './ai-sdk.ts'
import { addModel } from './server.ts'
import { roomConnection } from './tanstack.ts'

const ROOM = 'answers'
const over: (() => unknown)[] = []

afterEach(async () => {
  for (const end of over.splice(0).reverse()) await end()
})

/** What the model says, as the test goes on. */
class Script {
  asked = 0
  stopped = 0
  private readonly pieces: (string | Error | undefined)[] = []
  private wake: () => void = () => undefined

  say(...pieces: string[]): void {
    this.add(...pieces)
  }

  finish(): void {
    this.add(undefined)
  }

  fail(): void {
    this.add(new Error('the model is away'))
  }

  async *answer(signal: AbortSignal): AsyncGenerator<string> {
    this.asked++
    signal.addEventListener('abort', () => {
      this.stopped++
      this.wake()
    })
    while (!signal.aborted) {
      if (this.pieces.length === 0) {
        await new Promise<void>((resolve) => {
          this.wake = resolve
        })
        continue
      }
      const piece = this.pieces.shift()
      if (piece === undefined) return
      if (piece instanceof Error) throw piece
      yield piece
    }
  }

  private add(...pieces: (string | Error | undefined)[]): void {
    this.pieces.push(...pieces)
    this.wake()
  }
}

async function serve(): Promise<{ script: Script; device: () => Client<AnyContract> }> {
  const script = new Script()
  const server = createRoomful({ data: ':memory:' }).standardNamespaces()
  over.push(() => server.close())
  addModel(server.get('/public'), (_question, signal) => script.answer(signal))
  const { port } = await server.listen({ port: 0 })
  const device = (): Client<AnyContract> => {
    const client = connect<AnyContract>(`http://localhost:${port}`, { namespace: '/public' })
    over.push(() => client.close())
    return client
  }
  return { script, device }
}

describe('a chat of the AI SDK', () => {
  const textOf = (message: UIMessage | undefined): string =>
    message?.parts.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? ''

  async function open(client: Client<AnyContract>): Promise<{ chat: Chat<UIMessage>; transport: RoomTransport }> {
    const transport = new RoomTransport(client)
    over.push(() => transport.close())
    return { transport, chat: new Chat({ id: ROOM, transport, messages: await transport.history(ROOM) }) }
  }

  it('[D17] grows an answer, and is ready when it is whole', async () => {
    const { script, device } = await serve()
    const { chat } = await open(device())
    const sent = chat.sendMessage({ text: 'What is a room?' })
    script.say('A room', ' holds')
    await vi.waitFor(() => expect(textOf(chat.lastMessage)).toBe('A room holds'))
    expect(chat.status).toBe('streaming')
    script.say(' messages.')
    script.finish()
    await sent
    expect(chat.status).toBe('ready')
    expect(chat.messages.map((message) => [message.role, textOf(message)])).toEqual([
      ['user', 'What is a room?'],
      ['assistant', 'A room holds messages.'],
    ])
  })

  it('[D17] goes on after a reload from the beginning of the answer, and two devices read the same', async () => {
    const { script, device } = await serve()
    const { chat } = await open(device())
    const sent = chat.sendMessage({ text: 'What is a room?' })
    script.say('A room')
    await vi.waitFor(() => expect(textOf(chat.lastMessage)).toBe('A room'))

    const { chat: phone } = await open(device())
    expect(phone.messages.map(textOf)).toEqual(['What is a room?'])
    const resumed = phone.resumeStream()
    await vi.waitFor(() => expect(textOf(phone.lastMessage)).toBe('A room'))
    script.say(' holds messages.')
    script.finish()
    await Promise.all([sent, resumed])
    expect([chat, phone].map(({ lastMessage }) => textOf(lastMessage))).toEqual([
      'A room holds messages.',
      'A room holds messages.',
    ])
    expect(script.asked).toBe(1)
    const later = await open(device())
    await later.chat.resumeStream()
    expect(later.chat.messages.map(textOf)).toEqual(['What is a room?', 'A room holds messages.'])
    expect(later.chat.status).toBe('ready')
  })

  it('[D17] says that an answer was interrupted, and keeps what there is of it', async () => {
    const { script, device } = await serve()
    const { chat } = await open(device())
    const sent = chat.sendMessage({ text: 'What is a room?' })
    script.say('A room')
    await vi.waitFor(() => expect(textOf(chat.lastMessage)).toBe('A room'))
    script.fail()
    await sent
    expect(chat.status).toBe('error')
    expect(chat.error?.message).toBe('The answer was interrupted')
    expect(textOf(chat.lastMessage)).toBe('A room')
  })

  it('[D17] who leaves the page ends nothing; who stops the answer ends it for everyone', async () => {
    const { script, device } = await serve()
    const { chat } = await open(device())
    const sent = chat.sendMessage({ text: 'What is a room?' })
    script.say('A room')
    await vi.waitFor(() => expect(textOf(chat.lastMessage)).toBe('A room'))
    await chat.stop() // what leaving the page looks like
    await sent
    expect(script.stopped).toBe(0)

    const { chat: phone, transport } = await open(device())
    const resumed = phone.resumeStream()
    await vi.waitFor(() => expect(textOf(phone.lastMessage)).toBe('A room'))
    await transport.stop(ROOM)
    await resumed
    expect(script.stopped).toBe(1)
    expect(phone.status).toBe('ready')
    expect(textOf(phone.lastMessage)).toBe('A room')
  })
})

describe('a chat of TanStack AI', () => {
  type Chat = ChatClient
  const textsOf = (chat: Chat): string[] =>
    chat.getMessages().map(({ parts }) => parts.map((part) => (part.type === 'text' ? part.content : '')).join(''))

  function open(client: Client<AnyContract>): { chat: Chat; connection: ReturnType<typeof roomConnection> } {
    const connection = roomConnection(client, ROOM)
    const chat: Chat = new ChatClient({ connection, threadId: ROOM, persistence: true })
    over.push(
      () => connection.close(),
      () => chat.detach(),
    )
    chat.attach()
    return { chat, connection }
  }

  it('[D17] grows an answer, and has it whole', async () => {
    const { script, device } = await serve()
    const { chat } = open(device())
    const sent = chat.sendMessage('What is a room?')
    script.say('A room', ' holds')
    await vi.waitFor(() => expect(textsOf(chat).at(-1)).toBe('A room holds'))
    script.say(' messages.')
    script.finish()
    await sent
    expect(textsOf(chat)).toEqual(['What is a room?', 'A room holds messages.'])
    expect(chat.getStatus()).toBe('ready')
  })

  it('[D17] another device, or the same after a reload, has the whole answer, and stops it for both', async () => {
    const { script, device } = await serve()
    const { chat } = open(device())
    const sent = chat.sendMessage('What is a room?')
    script.say('A room')
    await vi.waitFor(() => expect(textsOf(chat).at(-1)).toBe('A room'))

    const { chat: phone, connection } = open(device())
    await vi.waitFor(() => expect(textsOf(phone)).toEqual(['What is a room?', 'A room']))
    script.say(' holds')
    await vi.waitFor(() =>
      expect([textsOf(chat).at(-1), textsOf(phone).at(-1)]).toEqual(['A room holds', 'A room holds']),
    )
    await connection.stop()
    await sent
    expect(script.stopped).toBe(1)
    expect(script.asked).toBe(1)
    expect(textsOf(chat).at(-1)).toBe('A room holds')
  })
})
