/** In place of a room that this person does not talk in: what it is, and where to go. */
import { Boxes, Lock, LogIn } from 'lucide-react'
import type { ReactElement } from 'react'
import { session } from '../../web/session/session.ts'
import { Button, LinkButton } from '../../web/ui/button.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { type FeatureRoom, roomTitle } from './room-names.ts'

/** A guest followed a link to a room for members. After signing in the address is the same. */
export function ForMembers({ roomId }: { roomId: string }): ReactElement {
  const action = (
    <Button tone="primary" icon={LogIn} onClick={() => session.end()}>
      Sign in or sign up
    </Button>
  )
  return (
    <EmptyState isPage icon={Lock} title={`#${roomTitle(roomId)} is for members`} action={action}>
      You’re browsing as a guest. Sign in or create an account to join this room.
    </EmptyState>
  )
}

export function OfFeature({ roomId, feature }: { roomId: string; feature: FeatureRoom }): ReactElement {
  const action = <LinkButton to={`~${feature.path}`}>{`Open ${feature.title}`}</LinkButton>
  return (
    <EmptyState isPage icon={Boxes} title={`#${roomId} isn’t a chat room`} action={action}>
      {`It belongs to ${feature.title}.`}
    </EmptyState>
  )
}
