/** What was acknowledged is there after `kill -9`, once, under its number; nothing stands in the way of opening it again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { called, SeededRandom, VirtualClock } from '@roomful/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLocalBroker, openSqliteLog } from '../../src/adapters/brokers/local/index.ts'
import { makeFolder } from './opening.ts'

const NS = '/'
type Ack = [key: string, roomId: string, seq: number]

const child = new URL('./kill-child.ts', import.meta.url).pathname

/** Lets a child append until it has told of `batches`, then kills it. */
async function live(folder: string, life: number, batches: number): Promise<{ epochs: string[]; acks: Ack[] }> {
  const args = ['--conditions=source', child, folder, String(life)]
  const process_: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void process_.kill('SIGKILL'))
  const exited = once(process_, 'exit')
  let epochs: string[] = []
  const acks: Ack[] = []
  let left = batches
  for await (const line of createInterface({ input: process_.stdout as NodeJS.ReadableStream })) {
    const told = JSON.parse(line) as { epochs?: string[]; acks?: Ack[] }
    if (told.epochs) epochs = told.epochs
    acks.push(...(told.acks ?? []))
    if (left-- === 0) process_.kill('SIGKILL')
  }
  expect((await exited)[1]).toBe('SIGKILL')
  return { epochs, acks }
}

describe('kill -9', () => {
  it('[D2] loses no acknowledged event, and keeps numbers and epochs', async () => {
    const folder = makeFolder()
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const lives = [await live(folder, 0, 3), await live(folder, 1, 60), await live(folder, 2, 200)]
    expect(lives[1]?.epochs).toEqual(lives[0]?.epochs)
    expect(lives[2]?.epochs).toEqual(lives[0]?.epochs)

    const clock = new VirtualClock(Date.now())
    const broker = called(createLocalBroker({ log: openSqliteLog({ folder, clock, random: new SeededRandom(9) }) }))
    onTestFinished(() => broker.close())
    const acks = lives.flatMap((each) => each.acks)
    const rooms = [...new Set(acks.map(([, roomId]) => roomId))]
    const rows = await broker.read(NS, rooms.map((roomId) => ({ roomId, seq: 0 })), { events: 100_000, bytes: 1e9 }) // biome-ignore format: one call
    expect(rows.map((row) => row.n)).toEqual(rows.map((_, i) => i + 1))
    for (const roomId of rooms) {
      const seqs = rows.filter((row) => row.roomId === roomId).map((row) => row.seq)
      expect(seqs).toEqual(seqs.map((_, i) => i + 1))
    }
    const stored = new Map(rows.map((row) => [row.key, `${row.roomId} ${row.seq}`]))
    expect(stored.size).toBe(rows.length)
    expect(acks.filter(([key, roomId, seq]) => stored.get(key) !== `${roomId} ${seq}`)).toEqual([])
    expect(acks.length).toBeGreaterThan(260 * 25)

    const [key = '', roomId = ''] = acks.at(-1) ?? []
    const repeat = {
      roomId,
      type: 't',
      argsJson: '[]',
      userId: 'ann',
      key: { scope: 'ann', key, fingerprint: key },
      atomicGroup: undefined,
    }
    expect(await broker.append(NS, [repeat])).toMatchObject([{ status: 'duplicate' }])
  }, 30_000)
})
