/** Writes down a new task, or changes one. */
import { type FormEvent, type ReactElement, useState } from 'react'
import { Button } from '../../web/ui/button.tsx'
import { Actions, Cancel } from '../../web/ui/dialog.tsx'
import { Field, TextArea } from '../../web/ui/field.tsx'

export interface TaskFormProps {
  readonly title?: string
  readonly description?: string
  readonly submit: string
  readonly onSubmit: (title: string, description: string) => void
}

const TITLE_MAX = 200
const DESCRIPTION_MAX = 2_000

export function TaskForm({ title: first = '', description: text = '', submit, onSubmit }: TaskFormProps): ReactElement {
  const [title, setTitle] = useState(first)
  const [description, setDescription] = useState(text)
  const [error, setError] = useState<string>()
  const handleSubmit = (event: FormEvent): void => {
    event.preventDefault()
    if (title.trim() === '') return setError('Enter a task')
    onSubmit(title.trim(), description.trim())
  }
  return (
    <form onSubmit={handleSubmit} className="flex flex-col gap-4">
      <Field
        label="Task"
        value={title}
        maxLength={TITLE_MAX}
        autoComplete="off"
        dir="auto"
        error={error}
        onChange={({ target }) => {
          setTitle(target.value)
          setError(undefined)
        }}
      />
      <TextArea
        label="Details"
        value={description}
        maxLength={DESCRIPTION_MAX}
        dir="auto"
        onChange={({ target }) => setDescription(target.value)}
      />
      <Actions>
        <Cancel />
        <Button type="submit" tone="primary">
          {submit}
        </Button>
      </Actions>
    </form>
  )
}
