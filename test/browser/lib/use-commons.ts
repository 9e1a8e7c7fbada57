/** Commons and its people for a test file: opened before the tests, emptied after each, closed after the last. */
import { afterAll, afterEach, beforeAll } from 'vitest'
import { onceStarted } from '../../outside/lib/use-server.ts'
import { Commons, type CommonsOptions } from './commons.ts'

/** @returns Commons, for use within tests and later hooks */
export function useCommons(options: CommonsOptions = {}): Commons {
  let commons: Commons | undefined
  beforeAll(async () => {
    commons = await Commons.open(options)
  })
  afterAll(() => commons?.[Symbol.asyncDispose]())
  afterEach(() => commons?.everyoneLeaves())
  return onceStarted(() => commons, 'Commons')
}
