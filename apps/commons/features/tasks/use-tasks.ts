/** The board as this person sees it: what the server has, with what is on its way there already in it. */
import { RoomfulError } from '@roomful/client'
import { useClient, useConnection } from '@roomful/react'
import { useEffect, useState } from 'react'
import { type Loaded, useLoaded } from '../../web/live/use-loaded.ts'
import { toast, toastError } from '../../web/ui/toast.tsx'
import type { Task, tasksContract } from './contract.ts'

/** One that the server has not stored yet; it goes there by itself once there is a connection. */
export interface PendingTask {
  readonly id: number
  readonly title: string
  readonly description: string
}

export interface Tasks extends Pick<Loaded<readonly Task[]>, 'data' | 'error' | 'reload'> {
  /** Newest first. */
  readonly pending: readonly PendingTask[]
  readonly add: (title: string, description: string) => void
  readonly edit: (task: Task, title: string, description: string) => Promise<boolean>
  readonly setDone: (task: Task, isDone: boolean) => void
  readonly remove: (task: Task) => void
}

let lastPending = 0

export function useTasks(): Tasks {
  const client = useClient<typeof tasksContract>()
  const state = useConnection()
  const { change, ...loaded } = useLoaded<readonly Task[]>(async () => (await client.request('task:list')).tasks)
  const [pending, setPending] = useState<readonly PendingTask[]>([])

  useEffect(() => client.on('task:saved', (task) => change((tasks) => put(tasks, task))), [client, change])
  useEffect(
    () => client.on('task:deleted', ({ taskId }) => change((tasks) => without(tasks, taskId))),
    [client, change],
  )

  const add = (title: string, description: string): void => {
    const waiting = { id: ++lastPending, title, description }
    setPending((before) => [waiting, ...before])
    const user = state.status === 'open' ? state.user : { sub: '', name: '' }
    client.request('save-task', { title, description }, { durable: true }).then(
      ({ taskId }) => {
        const at = client.serverNow()
        const { sub: userId, name } = user
        const task = { taskId, title, description, isDone: false, userId, name, createdAt: at, changedAt: at }
        change((tasks) => put(tasks, task))
        setPending((before) => before.filter(({ id }) => id !== waiting.id))
        if (userId === '') loaded.reload() // written before we were let in: the server knows by whom
      },
      (error: unknown) => {
        setPending((before) => before.filter(({ id }) => id !== waiting.id))
        if (!isClosing(error)) toastError(`Couldn’t save “${title}”`, error)
      },
    )
  }

  const edit = async (task: Task, title: string, description: string): Promise<boolean> => {
    const { taskId } = task
    change((tasks) => put(tasks, { ...task, title, description }))
    try {
      await client.request('save-task', { taskId, title, description }, { durable: true })
      return true
    } catch (error) {
      change((tasks) => put(tasks, task))
      toastError('Couldn’t save your changes', error)
      return false
    }
  }

  const setDone = (task: Task, isDone: boolean): void => {
    change((tasks) => put(tasks, { ...task, isDone }))
    client.request('task:done', { taskId: task.taskId, isDone }, { durable: true }).catch((error: unknown) => {
      if (isClosing(error)) return
      change((tasks) => put(tasks, task))
      toastError(isDone ? 'Couldn’t complete the task' : 'Couldn’t reopen the task', error)
    })
  }

  const remove = (task: Task): void => {
    change((tasks) => without(tasks, task.taskId))
    client.request('task:delete', { taskId: task.taskId }, { durable: true }).then(
      () => toast('Task deleted', task.title),
      (error: unknown) => {
        if (isClosing(error)) return
        change((tasks) => put(tasks, task))
        toastError('Couldn’t delete the task', error)
      },
    )
  }

  return { ...loaded, pending, add, edit, setDone, remove }
}

/** The page closes, or the user signs out: the error has no reader. */
function isClosing(error: unknown): boolean {
  return error instanceof RoomfulError && error.code === 'CLOSED'
}

/** In its place if it is there, else in front. */
function put(tasks: readonly Task[], task: Task): readonly Task[] {
  if (!tasks.some(({ taskId }) => taskId === task.taskId)) return [task, ...tasks]
  return tasks.map((each) => (each.taskId === task.taskId ? task : each))
}

function without(tasks: readonly Task[], id: string): readonly Task[] {
  return tasks.filter(({ taskId }) => taskId !== id)
}
