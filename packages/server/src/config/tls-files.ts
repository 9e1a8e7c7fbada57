/** The two files behind https and wss, read once at the start. C16. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { ConfigError } from './config-error.ts'

export interface TlsFiles {
  readonly cert: Buffer
  readonly key: Buffer
}

/**
 * @returns nothing without the settings
 * @throws ConfigError with a sentence when a file cannot be read, or the two do not belong together
 */
export function readTlsFiles(certPath: string | undefined, keyPath: string | undefined): TlsFiles | undefined {
  if (certPath === undefined || keyPath === undefined) return undefined
  const cert = read('ROOMFUL_TLS_CERT', certPath)
  const key = read('ROOMFUL_TLS_KEY', keyPath)
  attempt(`ROOMFUL_TLS_CERT: ${certPath} holds no certificate (PEM).`, () => new X509Certificate(cert))
  attempt(`ROOMFUL_TLS_KEY: ${keyPath} is not the private key (PEM) of that certificate.`, () =>
    createSecureContext({ cert, key }),
  )
  return { cert, key }
}

function read(variable: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new ConfigError(`${variable}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

function attempt(sentence: string, fn: () => unknown): void {
  try {
    fn()
  } catch {
    throw new ConfigError(sentence) // what OpenSSL says names no file and helps nobody
  }
}
