/**
 * How a setting is declared, and the types of value that it can have: how a value is read from a variable, a flag or a
 * config file, and how it is printed.
 */
import { isIP } from 'node:net'
import { isHostPattern } from '../adapters/transports/host-names.ts'
import { isOriginPattern } from '../adapters/transports/origin.ts'
import type { TrustProxy } from '../adapters/transports/request-info.ts'

/** All that variables, flags, config files, `--help` and documentation need to know of a setting. */
export interface Declaration<T> {
  /** The environment variable. Flag and config-file key follow from the name that the setting has in the code. */
  readonly variable: string
  readonly type: ValueType<T>
  readonly default: T
  /** What it does, for `--help` and the docs. */
  readonly sentence: string
  readonly unit?: string
  /** Never printed. */
  readonly secret?: true
}

/** Declares one setting; its type of value comes from `type`. */
export function setting<T>(
  declaration: Omit<Declaration<T>, 'default'> & { readonly default: NoInfer<T> },
): Declaration<T> {
  return declaration
}

/** `pingIntervalMs` → `ping-interval-ms`. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** A kind of value. */
export interface ValueType<T> {
  /** For the docs table: `number`, `on/off`. */
  readonly name: string
  /** Ends the sentence "PORT must be …". */
  readonly expects: string
  /** @param given text of a variable or flag, or a JSON value of a config file. @returns undefined when it is not valid */
  read(given: unknown): T | undefined
  /** The value as text, as in a variable. */
  write(value: T): string
}

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): ValueType<number> {
  return {
    name: 'number',
    expects: `a whole number from ${min} to ${max}`,
    read(given) {
      const number = typeof given === 'string' && /^-?\d+$/.test(given) ? Number(given) : given
      return typeof number === 'number' && Number.isSafeInteger(number) && number >= min && number <= max
        ? number
        : undefined
    },
    write: String,
  }
}

/** A part of a whole. */
export const fraction: ValueType<number> = {
  name: 'number',
  expects: 'a number from 0 to 1',
  read(given) {
    const number = typeof given === 'string' && /^(\d+|\d*\.\d+)$/.test(given) ? Number(given) : given
    return typeof number === 'number' && number >= 0 && number <= 1 ? number : undefined
  },
  write: String,
}

const SWITCH_WORDS: Readonly<Record<string, boolean>> = { on: true, true: true, off: false, false: false }

/** `on` or `off`. */
export const onOff: ValueType<boolean> = {
  name: 'on/off',
  expects: '"on" or "off"',
  read(given) {
    if (typeof given === 'boolean') return given
    return typeof given === 'string' && Object.hasOwn(SWITCH_WORDS, given) ? SWITCH_WORDS[given] : undefined
  },
  write: (value) => (value ? 'on' : 'off'),
}

/** One of several words. */
export function oneOf<const Word extends string>(...words: readonly Word[]): ValueType<Word> {
  const quoted = words.map((word) => `"${word}"`)
  return {
    name: words.join(' or '),
    expects: `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`,
    read: (given) => words.find((word) => word === given),
    write: String,
  }
}

/** Some of several words, with commas between them. */
export function words(...all: readonly string[]): ValueType<readonly string[]> {
  return {
    name: 'list of words',
    expects: `some of ${all.join(', ')}`,
    read: (given) => readList(given, (word) => all.includes(word)),
    write: (value) => value.join(','),
  }
}

/** Text without control characters. */
export const text: ValueType<string> = {
  name: 'text',
  expects: 'text without control characters',
  read: (given) => (typeof given === 'string' && given !== '' && !/\p{Cc}/u.test(given) ? given : undefined),
  write: (value) => value,
}

/** A key that can be sent in a header. */
export const apiKey: ValueType<string> = {
  name: 'text',
  expects: 'letters, digits and other visible ASCII, without spaces',
  read: (given) => (typeof given === 'string' && /^[\x21-\x7e]{1,512}$/.test(given) ? given : undefined),
  write: (value) => value,
}

/** A value that may be absent. */
export function optional<T>(type: ValueType<T>): ValueType<T | undefined> {
  return { ...type, write: (value) => (value === undefined ? '' : type.write(value)) }
}

/** A web address. */
export const url: ValueType<string> = {
  name: 'URL',
  expects: 'a URL that begins with https:// or http://',
  read: (given) => (typeof given === 'string' && isWebUrl(given) ? given : undefined),
  write: (value) => value,
}

/** A path such as `/realtime`, without a slash at the end; empty for `/`. */
export const urlPath: ValueType<string> = {
  name: 'path',
  expects: 'a path like "/realtime", of letters, digits, "-", ".", "_" and "~", or "/"',
  read(given) {
    if (typeof given !== 'string' || !/^(\/[\w.~-]+)*\/?$/.test(given)) return undefined
    return given.split('/').some((segment) => /^\.\.?$/.test(segment)) ? undefined : given.replace(/\/$/, '')
  },
  write: (value) => (value === '' ? '/' : value),
}

/** Origins as browsers send them, with any scheme; `:*` for any port; a single `*` for any origin. */
export const origins: ValueType<readonly string[]> = {
  name: 'list of origins',
  expects: 'a list like "https://a.example,http://localhost:*,capacitor://localhost", or "*"',
  read: (given) => readList(given, isOriginPattern),
  write: (value) => value.join(','),
}

/** Host names without ports; `*.a.example` for all below one; a single `*` for any. */
export const hosts: ValueType<readonly string[]> = {
  name: 'list of hosts',
  expects: 'a list like "a.example,*.b.example", without ports, or "*"',
  read: (given) => readList(given, isHostPattern),
  write: (value) => value.join(','),
}

/** Which proxies are trusted to name the client's address. */
export const proxies: ValueType<TrustProxy> = {
  name: 'off, on, number of proxies, or list of addresses',
  expects:
    '"off", "on" (one proxy), a number of proxies from 1 to 16, or a list of addresses and CIDR ranges like "10.0.0.0/8,::1"',
  read(given) {
    if (given === 'off' || given === false) return 'off'
    if (given === 'on' || given === true) return 1
    const hops = wholeNumber(1, 16).read(given)
    return hops ?? readList(given, isAddressRange)
  },
  write: (value) => (typeof value === 'object' ? value.join(',') : String(value)),
}

function readList(given: unknown, isItem: (item: string) => boolean): readonly string[] | undefined {
  const list = typeof given === 'string' ? given.split(',').map((item) => item.trim()) : given
  if (!Array.isArray(list) || list.length === 0) return undefined
  return list.every((item): item is string => typeof item === 'string' && isItem(item)) ? list : undefined
}

function isWebUrl(value: string): boolean {
  return /^https?:\/\//i.test(value) && URL.canParse(value)
}

function isAddressRange(range: string): boolean {
  const [address = '', bits, ...rest] = range.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}
