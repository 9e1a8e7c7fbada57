/** A dashboard over SSE: the lines of the stream as they come, a cut, and what the header of the next request brings. */
import { freemem, totalmem } from 'node:os'
import { type Demo, start } from '../demo.ts'

/** Ten seconds in earnest. */
const EVERY_MS = 50

export const dashboard: Demo = async (print) => {
  await using server = await start((roomful) => {
    const board = roomful.namespace('/board', undefined, { guests: true })
    roomful.whileOpen(() => {
      const timer = setInterval(() => {
        const memory = Math.round((1 - freemem() / totalmem()) * 100)
        board.publish('load', 'load', [{ memory }]).catch(() => undefined) // the server has closed meanwhile
      }, EVERY_MS)
      return () => clearInterval(timer)
    })
  })
  const url = `http://127.0.0.1:${server.port}/sse/board?room=load&name=Ann&named=1`
  const first = await read(url, 2)
  for (const line of first.lines) print(line)
  print('… the line is cut; the next request has the header Last-Event-ID …')
  const second = await read(url, 2, first.lastId)
  for (const line of second.lines) print(line)
  const [before, after] = [first.numbers.at(-1) ?? 0, second.numbers[0] ?? 0]
  print(`after #${before} came #${after}: ${after === before + 1 ? 'nothing was missed' : 'a gap'}`)
}

interface Read {
  readonly lines: string[]
  readonly numbers: number[]
  readonly lastId: string
}

/** So many events named `load`, with the header that an `EventSource` sends by itself. */
async function read(url: string, count: number, lastEventId?: string): Promise<Read> {
  const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }
  const response = await fetch(url, { headers })
  const lines: string[] = []
  const numbers: number[] = []
  let lastId = ''
  let text = ''
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString() // all of it is ASCII
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end)
      text = text.slice(end + 2)
      if (!event.includes('event: load')) continue
      lines.push(...event.split('\n'), '')
      lastId = /^id: (.*)$/m.exec(event)?.[1] ?? lastId
      numbers.push(Number(/"seq":(\d+)/.exec(event)?.[1]))
      if (numbers.length === count) return { lines, numbers, lastId } // which cancels the stream
    }
  }
  throw new Error('The stream ended')
}
