/** Sign in, sign up, or continue as a guest. The address stays: afterwards the page that it names is shown. */
import { Tabs } from '@base-ui/react/tabs'
import type { ReactElement } from 'react'
import { Card } from '../ui/card.tsx'
import { Logo } from '../ui/logo.tsx'
import { AccountForm } from './account-form.tsx'
import { GuestForm } from './guest-form.tsx'
import { session } from './session.ts'

const TAB =
  'h-9 grow rounded-lg px-2 font-medium text-muted text-sm transition-colors hover:text-ink ' +
  'data-active:bg-raised data-active:text-ink data-active:shadow-card'

export function SignInPage(): ReactElement {
  const farewell = session.farewell()
  return (
    <main className="grid min-h-full place-items-center px-4 py-10">
      <div className="w-full max-w-sm">
        <div className="mb-6 text-center">
          <Logo size={48} className="mx-auto mb-4" />
          <h1 className="font-semibold text-2xl tracking-tight">Welcome to Commons</h1>
          <p className="mt-1 text-balance text-muted">Chat, collaborate, and play together, live.</p>
        </div>
        {farewell !== undefined && (
          <p role="alert" className="mb-4 rounded-xl bg-warn-soft px-4 py-3 text-sm text-warn">
            {farewell}
          </p>
        )}
        <Card className="p-5">
          <Tabs.Root defaultValue="in">
            <Tabs.List aria-label="Sign-in options" className="mb-5 flex gap-1 rounded-xl bg-sunken p-1">
              <Tabs.Tab value="in" className={TAB}>
                Sign in
              </Tabs.Tab>
              <Tabs.Tab value="up" className={TAB}>
                Sign up
              </Tabs.Tab>
              <Tabs.Tab value="guest" className={TAB}>
                Continue as guest
              </Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="in">
              <AccountForm kind="in" />
            </Tabs.Panel>
            <Tabs.Panel value="up">
              <AccountForm kind="up" />
            </Tabs.Panel>
            <Tabs.Panel value="guest">
              <GuestForm />
            </Tabs.Panel>
          </Tabs.Root>
        </Card>
      </div>
    </main>
  )
}
