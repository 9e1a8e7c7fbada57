/** Readers of event streams that the project did not write, in one form: browsers' own rules, polyfills, readers over fetch. */
import { fetchEventSource } from '@microsoft/fetch-event-source'
import { EventSourcePolyfill } from 'event-source-polyfill'
import { EventSource as EventSource4 } from 'eventsource'
import { EventSource as EventSource5 } from 'eventsource-5'
import { onTestFinished } from 'vitest'

export interface ReaderHandlers {
  readonly onMessage: (data: string) => void
  /** The reader will not come back. */
  readonly onOver: (why: string) => void
}

/** @returns what closes it */
type OpenReader = (url: string, handlers: ReaderHandlers) => () => void

export const readers: Readonly<Record<string, OpenReader>> = {
  'eventsource 4': (url, handlers) => follow(new EventSource4(url), EventSource4.CLOSED, handlers),
  'eventsource 5': (url, handlers) => follow(new EventSource5(url), EventSource5.CLOSED, handlers),
  'event-source-polyfill': (url, handlers) =>
    follow(new EventSourcePolyfill(url), EventSourcePolyfill.CLOSED, handlers),
  'fetch-event-source': (url, { onMessage, onOver }) => {
    asInPage()
    const stop = new AbortController()
    const over = (why: unknown): void => {
      if (!stop.signal.aborted) onOver(String(why))
    }
    fetchEventSource(url, {
      signal: stop.signal,
      fetch,
      openWhenHidden: true,
      onmessage: ({ data }) => onMessage(data),
    }).then(() => over('the body ended'), over)
    return () => stop.abort()
  },
}

interface Source {
  onmessage: ((event: { data: string }) => void) | null
  onerror: ((event: never) => void) | null
  readonly readyState: number
  close(): void
}

function follow(given: unknown, closed: number, { onMessage, onOver }: ReaderHandlers): () => void {
  const source = given as Source
  source.onmessage = ({ data }) => onMessage(data)
  source.onerror = () => {
    if (source.readyState === closed) onOver('closed')
  }
  return () => source.close()
}

/** What fetch-event-source uses of a page beside `fetch`. */
function asInPage(): void {
  Object.assign(globalThis, { window: globalThis, document: new EventTarget() })
  onTestFinished(() => {
    Reflect.deleteProperty(globalThis, 'window')
    Reflect.deleteProperty(globalThis, 'document')
  })
}
