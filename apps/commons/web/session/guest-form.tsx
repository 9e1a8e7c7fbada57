/** A name is enough for the public rooms. */
import type { FormEvent, ReactElement } from 'react'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { session } from './session.ts'

export function GuestForm(): ReactElement {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const name = String(new FormData(event.currentTarget).get('name')).trim()
    if (name !== '') session.begin({ kind: 'guest', name })
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Field
        label="Name"
        name="name"
        required
        maxLength={128}
        autoComplete="nickname"
        hint="Shown to others with a guest label. You can join public rooms; nothing is saved."
      />
      <Button type="submit" tone="primary">
        Continue
      </Button>
    </form>
  )
}
