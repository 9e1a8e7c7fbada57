/** Clients of a load test, one for each dialect: they speak the wire as it is documented, without a library. PROTOCOL.md. */

/** What a client reports. */
export interface LoadListener {
  /** An event of its room that a load client sent. */
  onMessage(content: string): void
  /** Its link ended, and it was not the test that ended it. */
  onClosed(reason: string): void
}

export interface LoadClient {
  /** Resolves when the message is acknowledged. @throws Error (rejects) with the code of a refusal */
  send(content: string): Promise<void>
  close(): void
}

export interface LoadTarget {
  /** `http://host:port`, with the base path. */
  readonly url: string
  readonly namespace: string
  readonly room: string
  /** A guest's name, or a token. */
  readonly credentials: Readonly<Record<string, string>>
}

/** Resolves when it is in its room. @throws Error (rejects) with why it could not connect or join */
type Connect = (target: LoadTarget, listener: LoadListener) => Promise<LoadClient>

const CONNECT_MS = 10_000
const ANSWER_MS = 10_000
/** The bytes that a poll or a stream may have in memory. */
const LINE_MAX = 1024 * 1024

interface Frame {
  readonly type?: string
  readonly ack?: string
  readonly content?: string
  readonly error?: { readonly code?: string; readonly message?: string }
  readonly code?: string
  readonly message?: string
}

/** Requests that wait for their answer, by id. */
class Answers {
  private readonly waiting = new Map<string, PromiseWithResolvers<unknown>>()
  private last = 0

  /** @param send given the id of the request */
  async ask(send: (id: string) => void): Promise<unknown> {
    const id = `${++this.last}`
    const answer = Promise.withResolvers<unknown>()
    const timer = setTimeout(() => answer.reject(new Error('NO_ANSWER')), ANSWER_MS)
    this.waiting.set(id, answer)
    try {
      send(id)
      return await answer.promise
    } finally {
      clearTimeout(timer)
      this.waiting.delete(id)
    }
  }

  settle(id: string, error: string | undefined, value?: unknown): void {
    const waiting = this.waiting.get(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(error))
  }

  fail(reason: string): void {
    for (const { reject } of this.waiting.values()) reject(new Error(reason))
  }
}

/** A socket whose first steps are bounded. */
async function openSocket(
  url: string,
  steps: (socket: WebSocket, done: () => void, fail: (why: string) => void) => void,
  subprotocols: readonly string[] = [],
) {
  const socket = new WebSocket(url, [...subprotocols])
  const ready = Promise.withResolvers<void>()
  const timer = setTimeout(() => ready.reject(new Error('NO_ANSWER')), CONNECT_MS)
  socket.addEventListener('close', ({ code, reason }) => ready.reject(new Error(`closed ${code} ${reason}`.trim())))
  socket.addEventListener('error', () => ready.reject(new Error('refused')))
  steps(socket, ready.resolve, (why) => ready.reject(new Error(why)))
  try {
    await ready.promise
    return socket
  } catch (error) {
    socket.close()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

const wsUrl = (url: string): string => url.replace(/^http/, 'ws')
const query = (given: Readonly<Record<string, string>>): string => new URLSearchParams(given).toString()
const pathOf = (namespace: string): string => (namespace === '/' ? '' : namespace)

const plain: Connect = async ({ url, namespace, room, credentials }, listener) => {
  const answers = new Answers()
  let isOver = false
  const socket = await openSocket(
    `${wsUrl(url)}/ws${pathOf(namespace)}?${query(credentials)}`,
    (opened, done, fail) => {
      const join = (): void => void answers.ask((id) => opened.send(JSON.stringify({ type: 'room:join', id, roomId: room }))).then(done, (error: Error) => fail(error.message)) // biome-ignore format: one call
      opened.addEventListener('message', ({ data }) => {
        const frame = JSON.parse(String(data)) as Frame
        if (frame.type === 'auth_ok') join()
        else if (frame.type === 'ack') answers.settle(String(frame.ack), frame.error?.code)
        else if (frame.type === 'message:new' || frame.type === 'chat:message')
          listener.onMessage(String(frame.content))
        else if (frame.type === 'error') fail(frame.code ?? 'error')
      })
    },
  )
  socket.addEventListener('close', ({ code }) => {
    answers.fail('DISCONNECTED')
    if (!isOver) listener.onClosed(`${code}`)
  })
  return {
    send: async (content) => void (await answers.ask((id) => socket.send(JSON.stringify({ type: 'message:send', id, roomId: room, content })))), // biome-ignore format: one call
    close: () => {
      isOver = true
      socket.close(1000)
    },
  }
}

/** The form that the SDK speaks, with one channel. */
const v1: Connect = async ({ url, namespace, room, credentials }, listener) => {
  const answers = new Answers()
  let isOver = false
  const ask = (socket: WebSocket, event: string, data: unknown) =>
    answers.ask((id) => socket.send(JSON.stringify({ ch: 1, event, id, data })))
  const steps = (opened: WebSocket, done: () => void, fail: (why: string) => void): void => {
    opened.addEventListener('message', ({ data }) => {
      for (const line of String(data).split('\n')) {
        const frame = JSON.parse(line) as Frame & { event?: string; data?: Frame }
        if (frame.type === 'welcome') {
          opened.send(JSON.stringify({ type: 'open', v: 1, ch: 1, ns: namespace, ...credentials }))
        } else if (frame.type === 'opened') {
          void ask(opened, 'room:join', { roomId: room }).then(done, (error: Error) => fail(error.message))
        } else if (frame.type === 'closed' || frame.type === 'error') fail(frame.error?.code ?? frame.code ?? 'refused')
        else if (frame.ack !== undefined) answers.settle(String(frame.ack), frame.error?.code)
        else if (frame.event === 'message:new') listener.onMessage(String(frame.data?.content))
      }
    })
  }
  const socket = await openSocket(`${wsUrl(url)}/ws`, steps, ['roomful.v1'])
  socket.addEventListener('close', ({ code }) => {
    answers.fail('DISCONNECTED')
    if (!isOver) listener.onClosed(`${code}`)
  })
  return {
    send: async (content) => void (await ask(socket, 'message:send', { roomId: room, content })),
    close: () => {
      isOver = true
      socket.close(1000)
    },
  }
}

/** Engine.IO 4 over a WebSocket, in text: enough of Socket.IO to join, send and receive. */
const socketio: Connect = async ({ url, namespace, room, credentials }, listener) => {
  const answers = new Answers()
  const prefix = namespace === '/' ? '' : `${namespace},`
  let isOver = false
  const emit = (socket: WebSocket, ...args: unknown[]) =>
    answers.ask((id) => socket.send(`42${prefix}${id}${JSON.stringify(args)}`))
  const socket = await openSocket(`${wsUrl(url)}/socket.io/?EIO=4&transport=websocket`, (opened, done, fail) => {
    opened.addEventListener('message', ({ data }) => {
      const text = String(data)
      if (text === '2') return opened.send('3')
      if (text.startsWith('0')) return opened.send(`40${prefix}${JSON.stringify(credentials)}`)
      const [, kind, rest = ''] = /^4(\d)(?:\/[^,]*,)?(.*)$/s.exec(text) ?? []
      if (kind === '0') void emit(opened, 'room:join', room).then(done, (error: Error) => fail(error.message))
      else if (kind === '4') fail((JSON.parse(rest) as { message?: string }).message ?? 'refused')
      else if (kind === '3') {
        const [, id = '', json = '[]'] = /^(\d+)(.*)$/s.exec(rest) ?? []
        const [answer] = JSON.parse(json) as [{ status?: string; code?: string; error?: { code?: string } }?]
        const code = answer?.error?.code ?? (answer?.status === 'error' ? answer.code : undefined)
        answers.settle(id, code)
      } else if (kind === '2') {
        const [type, event] = JSON.parse(rest.replace(/^\d+/, '')) as [string, { content?: string }?]
        if (type === 'message:new') listener.onMessage(String(event?.content))
      }
    })
  })
  socket.addEventListener('close', ({ code }) => {
    answers.fail('DISCONNECTED')
    if (!isOver) listener.onClosed(`${code}`)
  })
  return {
    send: async (content) => void (await emit(socket, 'message:send', { roomId: room, content })),
    close: () => {
      isOver = true
      socket.close(1000)
    },
  }
}

async function post({ url, namespace, room, credentials }: LoadTarget, content: string): Promise<void> {
  const response = await fetch(`${url}/send${pathOf(namespace)}?${query(credentials)}`, {
    method: 'POST',
    body: JSON.stringify({ type: 'message:send', roomId: room, content }),
    signal: AbortSignal.timeout(ANSWER_MS),
  })
  const answer = (await response.json()) as Frame
  if (!response.ok) throw new Error(answer.error?.code ?? String(response.status))
}

const sse: Connect = async (target, listener) => {
  const { url, namespace, room, credentials } = target
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), CONNECT_MS)
  const response = await fetch(`${url}/sse${pathOf(namespace)}?${query({ ...credentials, room })}`, {
    signal: abort.signal,
  })
  clearTimeout(timer)
  if (!response.ok || !response.body) throw new Error(await refusalOf(response))
  const joined = Promise.withResolvers<void>()
  const read = async (body: AsyncIterable<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = (lines.pop() ?? '').slice(-LINE_MAX)
      for (const line of lines) {
        if (!line.startsWith('data: ')) continue
        const frame = JSON.parse(line.slice(6)) as Frame
        if (frame.type === 'room:joined') joined.resolve()
        if (frame.type === 'message:new' || frame.type === 'chat:message') listener.onMessage(String(frame.content))
      }
    }
    throw new Error('ended')
  }
  read(response.body).catch((error: Error) => {
    joined.reject(error)
    if (!abort.signal.aborted) listener.onClosed(error.message)
  })
  await joined.promise
  return { send: (content) => post(target, content), close: () => abort.abort() }
}

const poll: Connect = async (target, listener) => {
  const { url, namespace, room, credentials } = target
  const abort = new AbortController()
  let cursor: string | undefined
  const ask = async (): Promise<void> => {
    const after = cursor === undefined ? {} : { after: cursor, wait: '20' }
    const path = `${url}/poll${pathOf(namespace)}?${query({ ...credentials, room, ...after })}`
    const response = await fetch(path, { signal: AbortSignal.any([abort.signal, AbortSignal.timeout(30_000)]) })
    if (!response.ok) throw new Error(await refusalOf(response))
    const answer = (await response.json()) as { events: Frame[]; cursor: string }
    cursor = answer.cursor
    for (const { type, content } of answer.events) {
      if (type === 'message:new' || type === 'chat:message') listener.onMessage(String(content))
    }
  }
  await ask()
  const go = async (): Promise<void> => {
    while (!abort.signal.aborted) await ask()
  }
  go().catch((error: Error) => {
    if (!abort.signal.aborted) listener.onClosed(error.message)
  })
  return { send: (content) => post(target, content), close: () => abort.abort() }
}

async function refusalOf(response: Response): Promise<string> {
  const { error } = (await response.json().catch(() => ({}))) as Frame
  return error?.code ?? String(response.status)
}

/** By the name of the dialect, as in `--dialect`. */
export const LOAD_CLIENTS = { plain, v1, socketio, sse, poll } as const satisfies Record<string, Connect>
export type LoadDialect = keyof typeof LOAD_CLIENTS
