/** Runs the four ways side by side, and looks at their meters once a second. */
import { useClient } from '@roomful/react'
import { useEffect, useState } from 'react'
import { session } from '../../web/session/session.ts'
import { LAB_TRANSPORTS } from './lab-transports.ts'
import { type Cost, Meter } from './meter.ts'

export interface Measured {
  /** When it was looked at, ms since 1970. */
  readonly times: readonly number[]
  /** Bytes of each way at those times. */
  readonly bytes: readonly (readonly number[])[]
  readonly costs: readonly Cost[]
}

const token = (): string => session.token() ?? ''

const LOOK_MS = 1_000
/** Five minutes on the chart. */
const LOOKS_KEPT = 300

/** @returns nothing while it does not run */
export function useMeasuring(isRunning: boolean): Measured | undefined {
  const client = useClient()
  const [measured, setMeasured] = useState<Measured>()
  useEffect(() => {
    if (!isRunning) return
    const ended = new AbortController()
    const meters = LAB_TRANSPORTS.map(() => new Meter(() => client.serverNow()))
    for (const [index, way] of LAB_TRANSPORTS.entries()) void way.run(meters[index] as Meter, token, ended.signal) // never rejects
    const look = (): void => {
      const costs = meters.map((meter) => meter.get())
      setMeasured((before) => ({
        times: [...(before?.times ?? []), Date.now()].slice(-LOOKS_KEPT),
        bytes: costs.map(({ bytes }, index) => [...(before?.bytes[index] ?? []), bytes].slice(-LOOKS_KEPT)),
        costs,
      }))
    }
    setMeasured(undefined)
    look()
    const timer = setInterval(look, LOOK_MS)
    return () => {
      clearInterval(timer)
      ended.abort()
    }
  }, [client, isRunning])
  return measured
}
