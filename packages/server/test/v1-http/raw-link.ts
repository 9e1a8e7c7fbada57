/** A stranger's v1 client over HTTP, written from PROTOCOL.md 17 with `fetch` alone; it keeps everything that it hears. */
import { onTestFinished } from 'vitest'
import { until } from '../fallbacks/serving.ts'

// biome-ignore lint/suspicious/noExplicitAny: a test looks into frames of every shape
export type Frame = Record<string, any>

export interface RawLink {
  readonly id: string
  /** Frames, and named events as `{$: name, …}`. */
  readonly heard: Frame[]
  /** Sends under the next number, or under one of its own. */
  send(frames: readonly Frame[] | string, more?: { n?: number; bye?: boolean }): Promise<Response>
  /** Opens channel 1 as a guest of `/public`, or as said. */
  open(opening?: Frame): Promise<Frame>
  ask(event: string, data?: unknown): Promise<Frame>
  next(what: string, test: (frame: Frame) => boolean): Promise<Frame>
  /** Goes away without a word. */
  vanish(): void
  /** For a link that is not polled by itself. */
  poll(): Promise<Response>
}

export type Manner = 'sse' | 'poll' | 'unpolled'

/**
 * @param manner `unpolled`: opened by a poll, and polled by the test
 * @param elsewhere gets every request but the one that opens it
 */
export async function openLink(
  url: string,
  manner: Manner,
  headers: Record<string, string> = {},
  elsewhere = url,
): Promise<RawLink> {
  const heard: Frame[] = []
  const away = new AbortController()
  onTestFinished(() => away.abort())
  const { signal } = away
  let sent = 0
  let asked = 0
  const post = (path: string, body: string, to = elsewhere): Promise<Response> =>
    fetch(`${to}/link/${path}`, { method: 'POST', body, headers, signal })
  const poll = (): Promise<Response> => post('poll', JSON.stringify({ link: heard[0]?.link }))
  if (manner === 'sse') {
    const response = await fetch(`${url}/link/sse`, { headers, signal })
    readStream(response, heard).catch(() => undefined)
  } else {
    takeEvents(await (await post('poll', '', url)).text(), heard)
    if (manner === 'poll') keepPolling(poll, heard).catch(() => undefined)
  }
  const next = (what: string, test: (frame: Frame) => boolean): Promise<Frame> => until(what, () => heard.find(test))
  const { link: id } = await next('the link', ({ $ }) => $ === 'link')
  const send: RawLink['send'] = async (frames, { n = sent + 1, ...more } = {}) => {
    sent = Math.max(sent, n)
    const text = typeof frames === 'string' ? frames : frames.map((frame) => JSON.stringify(frame)).join('\n')
    return await post('send', `${JSON.stringify({ link: id, n, ...more })}\n${text}`)
  }
  return {
    ...{ id, heard, send, next, poll, vanish: () => away.abort() },
    async open(opening = { ns: '/public', name: 'Ann' }) {
      await send([{ type: 'open', v: 1, ch: 1, ...opening }])
      return await next('opened or closed', ({ type }) => type === 'opened' || type === 'closed')
    },
    async ask(event, data) {
      const ack = ++asked
      await send([{ ch: 1, event, data, id: ack }])
      return await next(`the answer to ${event}`, (frame) => frame.ack === ack)
    },
  }
}

/** Answers pings as a client has to, by the next poll. */
async function keepPolling(poll: () => Promise<Response>, heard: Frame[]): Promise<void> {
  while (!heard.some(({ $ }) => $ === 'close')) {
    const response = await poll()
    if (!response.ok) return void heard.push({ $: 'refused', status: response.status })
    takeEvents(await response.text(), heard)
  }
}

async function readStream(response: Response, heard: Frame[]): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body ?? []) {
    rest += decoder.decode(chunk, { stream: true })
    const end = rest.lastIndexOf('\n\n') + 2
    if (end > 1) takeEvents(rest.slice(0, end), heard)
    rest = end > 1 ? rest.slice(end) : rest
  }
  heard.push({ $: 'end' })
}

export function takeEvents(text: string, heard: Frame[]): void {
  for (const block of text.split('\n\n')) {
    const field = (name: string): string | undefined =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2)
    const [name, data = ''] = [field('event'), field('data')]
    if (block !== '')
      heard.push({ ...(data === '' ? {} : JSON.parse(data)), ...(name === undefined ? {} : { $: name }) })
  }
}
