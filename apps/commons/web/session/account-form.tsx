/** Name and password, to sign in or up. What the server refuses is shown at its field. */
import { type FormEvent, type ReactElement, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Refusal, signIn, signUp } from './accounts.ts'
import { session } from './session.ts'

/** The server's own rule; it has the last word. */
const PASSWORD_MIN_LENGTH = 8

export function AccountForm({ kind }: { kind: 'in' | 'up' }): ReactElement {
  const [refusal, setRefusal] = useState<Refusal>()
  const [isBusy, setBusy] = useState(false)

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const [username, password] = [String(form.get('username')).trim(), String(form.get('password'))]
    const missing = whatIsMissing(kind, username, password)
    setRefusal(missing)
    if (missing) return
    setBusy(true)
    try {
      const { token, user } = await (kind === 'in' ? signIn : signUp)(username, password)
      session.begin({ kind: 'user', token, user })
    } catch (error) {
      setRefusal(error instanceof Refusal ? error : new Refusal(String(error)))
      setBusy(false)
    }
  }

  const isUp = kind === 'up'
  const errorOf = (field: string): string | undefined => (refusal?.field === field ? refusal.message : undefined)
  const isAnyField = refusal?.field === 'username' || refusal?.field === 'password'
  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-4">
      <Field
        label="Name"
        name="username"
        required
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={128}
        error={errorOf('username')}
      />
      <Field
        label="Password"
        name="password"
        type="password"
        required
        autoComplete={isUp ? 'new-password' : 'current-password'}
        hint={isUp && errorOf('password') === undefined ? `At least ${PASSWORD_MIN_LENGTH} characters.` : undefined}
        error={errorOf('password')}
      />
      {refusal && !isAnyField && (
        <p role="alert" className="text-bad text-sm">
          {refusal.message}
        </p>
      )}
      <Button type="submit" tone="primary" busy={isBusy}>
        {isUp ? 'Create account' : 'Sign in'}
      </Button>
    </form>
  )
}

/** What needs no server to check, shown at its field: the browser's own bubble would cover the button. */
function whatIsMissing(kind: 'in' | 'up', username: string, password: string): Refusal | undefined {
  if (username === '') return new Refusal('Enter your name', { field: 'username' })
  if (password === '') return new Refusal('Enter your password', { field: 'password' })
  if (kind === 'up' && [...password].length < PASSWORD_MIN_LENGTH) {
    return new Refusal(`Use at least ${PASSWORD_MIN_LENGTH} characters`, { field: 'password' })
  }
  return undefined
}
