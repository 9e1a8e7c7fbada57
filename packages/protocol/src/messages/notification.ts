import { Type } from 'typebox'
import { down } from './define.ts'
import { Stored, Told } from './shapes.ts'

export const notification = down('notification', {
  delivery: 'durable',
  when: 'Something that the application tells you, in `/notifications`. It waits in the inbox while you are away.',
  data: Type.Object({ ...Stored, ...Told }),
})
