/** One task: ticked off in place, everything else behind its menu. */
import clsx from 'clsx'
import { Clock, EllipsisVertical, Pencil, Trash2 } from 'lucide-react'
import type { ReactElement } from 'react'
import { Ago } from '../../web/live/ago.tsx'
import { IconButton } from '../../web/ui/button.tsx'
import { Menu, MenuItem } from '../../web/ui/menu.tsx'
import type { Task } from './contract.ts'
import type { PendingTask } from './use-tasks.ts'

export interface TaskRowProps {
  readonly task: Task
  readonly now: number
  readonly mayDelete: boolean
  readonly onDone: (isDone: boolean) => void
  readonly onEdit: () => void
  readonly onDelete: () => void
}

const CHECK = 'size-5 shrink-0 accent-accent'

export function TaskRow({ task, now, mayDelete, onDone, onEdit, onDelete }: TaskRowProps): ReactElement {
  const { title, description, isDone, name, createdAt } = task
  const menu = <IconButton icon={EllipsisVertical} label={`Actions for ${title}`} size="small" />
  return (
    <li className="flex items-start gap-1 border-line border-b py-1 pr-2 pl-4 last:border-b-0">
      <label className="flex min-w-0 grow cursor-pointer items-start gap-3 py-2">
        <input
          type="checkbox"
          checked={isDone}
          onChange={({ target }) => onDone(target.checked)}
          className={clsx(CHECK, 'mt-0.5')}
        />
        <span className="min-w-0">
          <span dir="auto" className={clsx('block break-words font-medium', isDone && 'text-muted line-through')}>
            {title}
          </span>
          {description !== '' && (
            <span dir="auto" className="mt-0.5 block whitespace-pre-line break-words text-muted text-sm">
              {description}
            </span>
          )}
          <span className="mt-1 block text-muted text-xs">
            <bdi>{name}</bdi> · <Ago at={createdAt} now={now} />
          </span>
        </span>
      </label>
      <Menu trigger={menu}>
        <MenuItem icon={Pencil} onSelect={onEdit}>
          Edit…
        </MenuItem>
        {mayDelete && (
          <MenuItem icon={Trash2} danger onSelect={onDelete}>
            Delete…
          </MenuItem>
        )}
      </Menu>
    </li>
  )
}

/** Written down here, and not yet at the server. */
export function PendingRow({ task, isOnline }: { task: PendingTask; isOnline: boolean }): ReactElement {
  return (
    <li aria-busy className="flex items-start gap-3 border-line border-b px-4 py-3 last:border-b-0">
      <Clock aria-hidden size={20} className="mt-0.5 shrink-0 text-muted" />
      <span className="min-w-0">
        <span dir="auto" className="block break-words font-medium text-muted">
          {task.title}
        </span>
        <span className="mt-1 block text-muted text-xs">
          {isOnline ? 'Saving…' : 'Will be saved when you’re back online'}
        </span>
      </span>
    </li>
  )
}
