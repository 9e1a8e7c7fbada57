/** The first page after signing in: what Commons has. */
import type { ReactElement } from 'react'
import { Link } from 'wouter'
import { mayOpen } from './layout/audience.ts'
import { GROUPS, pages } from './pages.ts'
import { useSession } from './session/session-gate.tsx'
import { PageBody, PageHeader } from './ui/page.tsx'

export function HomePage(): ReactElement | null {
  const session = useSession()
  if (!session) return null
  const name = session.kind === 'guest' ? session.name : session.user.name
  const shown = pages.filter((page) => mayOpen(page, session))
  return (
    <PageBody>
      <PageHeader
        title={
          <>
            Hello, <bdi>{name}</bdi>
          </>
        }
        description="Everything here is live: everyone sees changes as they happen."
      />
      {GROUPS.map((group) => {
        const entries = shown.filter((page) => page.group === group)
        if (entries.length === 0) return null
        return (
          <section key={group} aria-label={group} className="mb-8">
            <h2 className="mb-3 font-medium text-muted text-sm">{group}</h2>
            <ul className="grid grid-cols-1 gap-3 sm:grid-cols-2">
              {entries.map(({ path, title, about, icon: Icon }) => (
                <li key={path}>
                  <Link
                    href={path}
                    className="flex h-full gap-4 rounded-xl border border-line bg-surface p-4 shadow-card transition-colors hover:border-accent"
                  >
                    <span className="grid size-10 shrink-0 place-items-center rounded-xl bg-accent-soft text-accent-strong">
                      <Icon aria-hidden size={20} />
                    </span>
                    <span>
                      <span className="block font-medium">{title}</span>
                      <span className="mt-0.5 block text-muted text-sm">{about}</span>
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        )
      })}
    </PageBody>
  )
}
