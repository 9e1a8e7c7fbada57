/** Presentations: the list of them, and one that everybody watches together. B22. */
import type { ReactElement } from 'react'
import { Route, Switch, useLocation } from 'wouter'
import { StagePage } from './stage-page.tsx'
import { StagesPage } from './stages-page.tsx'

export function Page(): ReactElement {
  const [, go] = useLocation()
  return (
    <Switch>
      <Route path="/:stageId">
        {({ stageId }) => <StagePage key={stageId} stageId={stageId} onLeave={() => go('/')} />}
      </Route>
      <Route>
        <StagesPage onOpen={(stageId) => go(`/${stageId}`)} />
      </Route>
    </Switch>
  )
}
