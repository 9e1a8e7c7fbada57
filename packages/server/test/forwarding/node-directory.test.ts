/** Where other nodes are: asked for rarely, whatever ids clients make up, and known while the registry is away. */
import { VirtualClock } from '@roomful/testkit'
import { expect, it } from 'vitest'
import { NodeDirectory } from '../../src/adapters/transports/forwarding/node-directory.ts'
import { NodeBoard } from './memory-registry.ts'

function setUp() {
  const [board, clock] = [new NodeBoard(), new VirtualClock()]
  const directory = new NodeDirectory(board.view(), clock)
  /** What is found within this time. */
  const find = async (tag: string, withinMs: number): Promise<string | undefined> => {
    let found: string | undefined = 'no answer'
    directory.urlOf(tag).then((url) => {
      found = url
    })
    await clock.advance(withinMs)
    return found
  }
  return { board, clock, directory, find }
}

const join = (board: NodeBoard, tag: string): Promise<void> => board.view().join({ tag, url: `http://${tag}:8080` })

it('a node that joined before the request is found, also right after another question', async () => {
  const { board, find } = setUp()
  await join(board, 'first0')
  expect(await find('first0', 0)).toBe('http://first0:8080')
  await join(board, 'second')
  expect(await find('second', 300)).toBe('http://second:8080')
  expect(board.asked).toBe(2)
  expect(await find('first0', 0)).toBe('http://first0:8080')
  expect(board.asked).toBe(2)
})

it('[Z4] a thousand made-up ids are four questions a second', async () => {
  const { board, clock, directory } = setUp()
  const answers: Promise<string | undefined>[] = []
  for (let i = 0; i < 1_000; i++) {
    answers.push(directory.urlOf(`made${i}`))
    await clock.advance(1)
  }
  await clock.advance(250)
  expect(new Set(await Promise.all(answers))).toEqual(new Set([undefined]))
  expect(board.asked).toBeLessThanOrEqual(6)
})

it('what is known stays good while the registry is away, and the unknown is given up', async () => {
  const { board, clock, find } = setUp()
  await join(board, 'first0')
  await find('first0', 0)
  board.isAway = true
  await clock.advance(60_000)
  expect(await find('first0', 0)).toBe('http://first0:8080')
  expect(await find('second', 2_000)).toBeUndefined()
  board.isAway = false
  await join(board, 'second')
  expect(await find('second', 300)).toBe('http://second:8080')
})

it('a registry that does not answer holds nothing for longer than two seconds', async () => {
  const clock = new VirtualClock()
  const registry = { ...new NodeBoard().view(), list: () => new Promise<never>(() => undefined) }
  const directory = new NodeDirectory(registry, clock)
  const answers = Promise.all([directory.urlOf('first0'), directory.urlOf('second')])
  await clock.advance(2_000)
  expect(await answers).toEqual([undefined, undefined])
})

it('a node that left is forgotten, but not because the registry lost its list for a moment', async () => {
  const { board, clock, find } = setUp()
  const view = board.view()
  await view.join({ tag: 'first0', url: 'http://first0:8080' })
  await find('first0', 0)
  await view.leave()
  await clock.advance(5_000)
  await find('first0', 0) // asks in the background
  expect(await find('first0', 300)).toBe('http://first0:8080')
  await clock.advance(60_000)
  await find('first0', 0)
  expect(await find('first0', 300)).toBeUndefined()
})
