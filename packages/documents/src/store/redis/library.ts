import { readFileSync } from 'node:fs'
import { createLibrary, type Library } from '@roomful/server/redis'

const FILE = new URL('../../../static/redis/documents.lua', import.meta.url)
const READING = ['find', 'list', 'usage']
/** These give memory back, or keep what is there in order, and so run when Redis is full. */
const WITHOUT_MEMORY = [
  'register',
  'renew',
  'reap',
  'open',
  'close',
  'change',
  'recheck',
  'remove',
  'beginFold',
  'endFold',
]

let loaded: Library | undefined

/** The functions that run in Redis. */
export function library(): Library {
  loaded ??= createLibrary({
    name: 'roomful_documents',
    body: readFileSync(FILE, 'utf8'),
    reading: READING,
    withoutMemory: WITHOUT_MEMORY,
  })
  return loaded
}
