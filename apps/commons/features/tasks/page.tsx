/** The board: one list that everyone shares. What is written down offline is saved once the connection is back. B18. */
import { useClient, useConnection } from '@roomful/react'
import { ListChecks, PartyPopper, Plus, Trash2 } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useMe } from '../../web/session/use-me.ts'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { Confirm } from '../../web/ui/confirm.tsx'
import { Dialog } from '../../web/ui/dialog.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import { Segments } from '../../web/ui/segments.tsx'
import type { Task } from './contract.ts'
import { TaskForm } from './task-form.tsx'
import { PendingRow, TaskRow } from './task-row.tsx'
import { useTasks } from './use-tasks.ts'

type Shown = 'open' | 'mine' | 'done'

export function Page(): ReactElement {
  const client = useClient()
  const state = useConnection()
  const tasks = useTasks()
  const [shown, setShown] = useState<Shown>('open')
  const [isAdding, setAdding] = useState(false)
  const [edited, setEdited] = useState<Task>()
  const [deleting, setDeleting] = useState<Task>()
  const me = useMe()
  const isKeeper = me?.role === 'admin' || me?.role === 'support'
  const all = tasks.data ?? []
  const open = all.filter(({ isDone }) => !isDone)
  const listed = { open, mine: open.filter(({ userId }) => userId === me?.sub), done: all.filter((t) => t.isDone) }
  const pending = shown === 'done' ? [] : tasks.pending

  return (
    <PageBody>
      <PageHeader
        title="Tasks"
        description="One shared board, live for everyone."
        actions={
          <Button tone="primary" icon={Plus} onClick={() => setAdding(true)}>
            New task
          </Button>
        }
      />
      <Segments
        label="Filter tasks"
        value={shown}
        onChange={setShown}
        choices={[
          { value: 'open', label: `Open ${listed.open.length}` },
          { value: 'mine', label: `Mine ${listed.mine.length}` },
          { value: 'done', label: `Done ${listed.done.length}` },
        ]}
      />
      <Card className="mt-4">
        {tasks.data === undefined && pending.length === 0 ? (
          <NotLoaded what="tasks" error={tasks.error} onRetry={tasks.reload} />
        ) : listed[shown].length + pending.length === 0 ? (
          <Nothing shown={shown} onAdd={() => setAdding(true)} />
        ) : (
          <ul aria-label="Tasks">
            {pending.map((task) => (
              <PendingRow key={task.id} task={task} isOnline={state.status === 'open'} />
            ))}
            {listed[shown].map((task) => (
              <TaskRow
                key={task.taskId}
                task={task}
                now={client.serverNow()}
                mayDelete={isKeeper || task.userId === me?.sub}
                onDone={(isDone) => tasks.setDone(task, isDone)}
                onEdit={() => setEdited(task)}
                onDelete={() => setDeleting(task)}
              />
            ))}
          </ul>
        )}
      </Card>
      <Dialog open={isAdding} onOpenChange={setAdding} title="New task">
        <TaskForm
          submit="Add task"
          onSubmit={(title, description) => {
            setAdding(false)
            tasks.add(title, description)
          }}
        />
      </Dialog>
      <Dialog open={edited !== undefined} onOpenChange={() => setEdited(undefined)} title="Edit task">
        {edited && (
          <TaskForm
            {...edited}
            submit="Save"
            onSubmit={(title, description) => {
              setEdited(undefined)
              void tasks.edit(edited, title, description) // tells by itself when it was refused
            }}
          />
        )}
      </Dialog>
      <Confirm
        open={deleting !== undefined}
        onOpenChange={() => setDeleting(undefined)}
        title={`Delete “${deleting?.title ?? ''}”?`}
        description="It’s deleted for everyone. This can’t be undone."
        action="Delete"
        icon={Trash2}
        onConfirm={() => {
          if (deleting) tasks.remove(deleting)
          setDeleting(undefined)
        }}
      />
    </PageBody>
  )
}

function Nothing({ shown, onAdd }: { shown: Shown; onAdd: () => void }): ReactElement {
  if (shown === 'done') {
    return <EmptyState icon={ListChecks} title="No completed tasks yet" />
  }
  const action = (
    <Button icon={Plus} onClick={onAdd}>
      Add a task
    </Button>
  )
  return (
    <EmptyState icon={PartyPopper} title="All done" action={action}>
      {shown === 'mine' ? 'You have no open tasks.' : 'New tasks appear here instantly.'}
    </EmptyState>
  )
}
