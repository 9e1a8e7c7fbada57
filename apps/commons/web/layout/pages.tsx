/** Shows the page that the address names: loaded when first asked for, and held to itself when it breaks. */
import { useConnection } from '@roomful/react'
import { Compass, LogIn, ShieldAlert } from 'lucide-react'
import { type ReactElement, Suspense } from 'react'
import { Route, useLocation } from 'wouter'
import { HomePage } from '../home-page.tsx'
import { type PageEntry, pages } from '../pages.ts'
import { session } from '../session/session.ts'
import { useSession } from '../session/session-gate.tsx'
import { Button, LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Loading } from '../ui/spinner.tsx'
import { mayOpen } from './audience.ts'
import { componentOf, forgetComponent } from './load-page.ts'
import { PageBoundary } from './page-boundary.tsx'
import { isReadable } from './segments.ts'

const NOT_FOUND = 'Page not found'

/** @param pathname as the browser has it, still encoded. @returns `undefined` for the home page */
export function titleOf(pathname: string): string | undefined {
  return pathname === '/' ? undefined : (pageAt(pathname)?.title ?? NOT_FOUND)
}

/** @returns the page of this address; nothing when there is none, or when a browser could not have written it */
function pageAt(pathname: string): PageEntry | undefined {
  const address = pathname.length > 1 ? pathname.replace(/\/$/, '') : pathname
  if (!isReadable(address)) return undefined
  return pages.find(({ path, below }) => {
    if (address === path) return true
    return address.startsWith(`${path}/`) && below?.test(address.slice(path.length)) === true
  })
}

export function Pages(): ReactElement {
  useLocation() // to be drawn again when it changes
  const { pathname } = globalThis.location
  if (pathname === '/') return <HomePage />
  const page = pageAt(pathname)
  if (!page) {
    return (
      <EmptyState isPage icon={Compass} title={NOT_FOUND} action={<LinkButton to="/">Back to home</LinkButton>}>
        Check the address, or go back to the home page.
      </EmptyState>
    )
  }
  return (
    <Route key={page.path} path={page.path} nest>
      <OnePage page={page} />
    </Route>
  )
}

function OnePage({ page }: { page: PageEntry }): ReactElement | null {
  const current = useSession()
  const isOnline = useConnection().status === 'open'
  if (!current) return null
  if (!mayOpen(page, current)) return current.kind === 'guest' ? <ForMembers page={page} /> : <ForAdmins page={page} />
  return (
    <PageBoundary key={page.path} isOnline={isOnline} onRetry={() => forgetComponent(page)}>
      <Suspense fallback={<Loading what={`Loading ${page.title.toLowerCase()}…`} />}>
        <LoadedPage page={page} />
      </Suspense>
    </PageBoundary>
  )
}

/** Below the boundary, so that another attempt after an error asks for the files again. */
function LoadedPage({ page }: { page: PageEntry }): ReactElement {
  const Component = componentOf(page)
  return <Component />
}

function ForMembers({ page }: { page: PageEntry }): ReactElement {
  const action = (
    <Button tone="primary" icon={LogIn} onClick={() => session.end()}>
      Sign in or sign up
    </Button>
  )
  return (
    <EmptyState
      isPage
      icon={page.icon}
      title={`${page.title} ${page.title.endsWith('s') ? 'require' : 'requires'} an account`}
      action={action}
    >
      You’re browsing as a guest. Create an account with a name and password.
    </EmptyState>
  )
}

function ForAdmins({ page }: { page: PageEntry }): ReactElement {
  return (
    <EmptyState
      isPage
      icon={ShieldAlert}
      title="You don’t have access to this page"
      action={<LinkButton to="/">Back to home</LinkButton>}
    >
      {`${page.title} is for administrators.`}
    </EmptyState>
  )
}
