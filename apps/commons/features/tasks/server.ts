/**
 * A board of tasks that everyone shares. A task is in the database when `save-task` is acknowledged. The others receive it at
 * once, and clients that were away ask for the list. B18.
 */
import { RoomfulError, type User } from '@roomful/server'
import type { Commons } from '../../commons.ts'
import { notify } from '../notifications/server.ts'
import { type Task, tasksContract } from './contract.ts'
import { TaskStore } from './store.ts'

/** A board that people can still read, and an answer to `task:list` that stays small. */
const TASKS_MAX = 500
/** Of one user, so that the board has room for everyone. */
const TASKS_PER_USER = 100
/** Roles that may take away what is not theirs. */
const KEEPERS: ReadonlySet<string> = new Set(['admin', 'support'])

export function addTasks({ server, database, clock, random }: Commons): void {
  const tasks = server.get('/').extend(tasksContract)
  const store = new TaskStore(database)

  const find = (taskId: string): Task => {
    const task = store.find(taskId)
    if (!task) throw new RoomfulError('NOT_FOUND', 'This task was deleted', { field: 'taskId' })
    return task
  }

  const add = (user: User, key: string | undefined, title: string, description: string): Task => {
    if (store.count >= TASKS_MAX) {
      throw new RoomfulError('BOARD_FULL', `The board is full (${TASKS_MAX} tasks). Delete a task to make room.`)
    }
    const { sub: userId, name } = user
    if (store.countOf(userId) >= TASKS_PER_USER) {
      const sentence = `You already have ${TASKS_PER_USER} tasks on the board. Delete one to make room.`
      throw new RoomfulError('TOO_MANY_TASKS', sentence)
    }
    return store.add({ taskId: random.id(12), title, description, userId, name, key, createdAt: clock.now() })
  }

  const tellAuthor = ({ userId, title }: Task, { name }: User): void =>
    notify(server, userId, { title: 'Task completed', message: `${name} completed “${title}”`, link: '/tasks' })

  tasks.on('save-task', (context, { title, description, taskId }) => {
    const { user, key } = context
    const repeated = key === undefined ? undefined : store.findKey(user.sub, key)
    if (repeated) return { status: 'ok', taskId: repeated.taskId }
    const task =
      taskId === undefined
        ? add(user, key, title, description)
        : store.change(find(taskId), { title, description }, clock.now())
    context.broadcast.emit('task:saved', task)
    return { status: 'ok', taskId: task.taskId }
  })

  tasks.on('task:list', () => ({ status: 'ok', tasks: store.list() }))

  tasks.on('task:done', (context, { taskId, isDone }) => {
    const before = find(taskId)
    const task = store.change(before, { isDone }, clock.now())
    context.broadcast.emit('task:saved', task)
    if (isDone && !before.isDone && task.userId !== context.user.sub) tellAuthor(task, context.user)
    return { status: 'ok' }
  })

  tasks.on('task:delete', (context, { taskId }) => {
    const task = store.find(taskId)
    if (!task) return { status: 'ok' } // another user was faster
    if (task.userId !== context.user.sub && !KEEPERS.has(context.user.role)) {
      throw new RoomfulError('FORBIDDEN', `Only ${task.name} or support can delete this task`)
    }
    store.delete(taskId)
    context.broadcast.emit('task:deleted', { taskId })
    return { status: 'ok' }
  })
}
