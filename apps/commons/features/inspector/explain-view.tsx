/** Why did this client not see that event: a question in four fields, and what became of it, in a sentence and in detail. */

import { RoomfulError } from '@roomful/client'
import { useClient } from '@roomful/react'
import { MessageCircleQuestionMark } from 'lucide-react'
import { type FormEvent, type ReactElement, useEffect, useId, useRef, useState } from 'react'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { Field } from '../../web/ui/field.tsx'
import type { Explanation, inspectorContract } from './contract.ts'
import { Answer } from './explanation.tsx'
import { explain, listAccounts, listConnections, type Question } from './inspection.ts'
import { type People, peopleOf } from './people.ts'
import { StoryDialog } from './story-dialog.tsx'

type Blame = Pick<RoomfulError, 'message' | 'field'>

const MISSING: Readonly<Record<keyof Question, string>> = {
  who: 'Enter a name, or the ID of a user or connection',
  roomId: 'Enter a room',
  seq: 'Enter an event number, 1 or higher',
  namespace: 'Enter a namespace, such as /',
}
/** @param about whom to ask about at first */
export function ExplainView({ about }: { about: { namespace: string; who: string } | undefined }): ReactElement {
  const [answer, setAnswer] = useState<{ question: Question; explanation: Explanation }>()
  const [blame, setBlame] = useState<Blame>()
  const [isBusy, setBusy] = useState(false)
  const [opened, setOpened] = useState<string>()
  const client = useClient<typeof inspectorContract>()
  // A help, and no more: ids can be asked about without it.
  const { data } = useLoaded(async () => {
    const [{ connections }, { ended }] = await Promise.all([listConnections(), client.request('connection:ended')])
    return [...connections, ...ended]
  })
  const people = peopleOf(data ?? [])
  const names = useId()
  const answered = useRef<HTMLDivElement>(null)
  // On a phone it is below the form.
  useEffect(() => {
    if (answer) answered.current?.scrollIntoView({ block: 'nearest' })
  }, [answer])

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    const form = event.currentTarget
    const given = new FormData(form)
    const text = (name: keyof Question): string => String(given.get(name)).trim()
    const question = { who: text('who'), roomId: text('roomId'), seq: text('seq'), namespace: text('namespace') }
    const missing = whatIsMissing(question)
    setBlame(missing)
    if (missing) return focusOn(form, missing)
    setBusy(true)
    try {
      const ids = await idsOf(question.who, people)
      const unclear = whoIsMeant(question.who, ids)
      setBlame(unclear)
      if (unclear) return focusOn(form, unclear)
      const [who = question.who] = ids
      setAnswer({ question, explanation: await explain({ ...question, who }) })
    } catch (error) {
      setAnswer(undefined)
      const refusal = error instanceof RoomfulError ? error : { message: String(error), field: undefined }
      setBlame(refusal)
      focusOn(form, refusal)
    } finally {
      setBusy(false)
    }
  }

  /** What is wrong stands in the place of what helps. */
  const hintOrError = (field: keyof Question, hint: string): { hint: string } | { error: string } =>
    blame?.field === field ? { error: blame.message } : { hint }
  const isAnyField = blame?.field !== undefined && blame.field in MISSING
  const plain = { autoComplete: 'off', autoCapitalize: 'none', spellCheck: false, required: true } as const
  return (
    <>
      <Card className="p-4">
        <form noValidate onSubmit={submit} className="grid gap-4 sm:grid-cols-2 lg:grid-cols-4" aria-label="Explain">
          <Field
            label="Person"
            name="who"
            defaultValue={about?.who}
            {...hintOrError('who', 'A name, user ID or connection ID.')}
            list={names}
            {...plain}
          />
          <datalist id={names}>
            {people.names.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <Field label="Room" name="roomId" {...hintOrError('roomId', 'For example: lobby')} {...plain} />
          <Field
            label="Event number"
            name="seq"
            inputMode="numeric"
            {...hintOrError('seq', 'Its number in the room’s log.')}
            {...plain}
          />
          <Field
            label="Namespace"
            name="namespace"
            defaultValue={about?.namespace ?? '/public'}
            {...hintOrError('namespace', 'Chat rooms are in /public.')}
            {...plain}
          />
          <div className="flex flex-wrap items-center gap-4 sm:col-span-full">
            <Button type="submit" tone="primary" icon={MessageCircleQuestionMark} busy={isBusy}>
              Explain
            </Button>
            {blame && !isAnyField && (
              <p role="alert" className="text-bad text-sm">
                {blame.message}
              </p>
            )}
          </div>
        </form>
      </Card>
      <Card className="mt-4">
        <div ref={answered} role="status">
          {answer ? (
            <Answer {...answer} nameOf={people.nameOf} onOpen={setOpened} />
          ) : (
            <EmptyState icon={MessageCircleQuestionMark} title="Did they get it?">
              Enter a person, a room and an event number to see whether it was delivered, and why not.
            </EmptyState>
          )}
        </div>
      </Card>
      <StoryDialog connectionId={opened} onClose={() => setOpened(undefined)} />
    </>
  )
}

/** Of those who are or were connected, and else of everyone who has an account. */
async function idsOf(who: string, people: People): Promise<readonly string[]> {
  const known = people.idsOf(who)
  if (known.length > 0 || who.startsWith('c_')) return known
  const { accounts } = await listAccounts(who)
  return peopleOf(accounts).idsOf(who)
}

/** The field that is to blame, if one is. */
function focusOn(form: HTMLFormElement, { field }: Blame): void {
  if (field !== undefined && field in MISSING) form.querySelector<HTMLElement>(`[name="${field}"]`)?.focus()
}

/** @param ids of the users who have the name that was given */
function whoIsMeant(who: string, ids: readonly string[]): Blame | undefined {
  if (ids.length < 2) return undefined
  return { field: 'who', message: `More than one person is called ${who}. Enter an ID: ${ids.join(', ')}` }
}

function whatIsMissing(question: Question): Blame | undefined {
  for (const [field, message] of Object.entries(MISSING)) {
    const value = question[field as keyof Question]
    if (value === '' || (field === 'seq' && !/^0*[1-9]\d{0,14}$/.test(value))) return { field, message }
  }
  return undefined
}
