/** Reads the certificate and the key for https and wss, once at the start. C16. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { ConfigError } from './config-error.ts'

/** Contents of the files. */
export interface TlsFiles {
  readonly cert: Buffer
  readonly key: Buffer
}

/**
 * Reads and checks the files.
 * @returns undefined without the settings
 * @throws ConfigError with a sentence when a file cannot be read, or key and certificate do not match
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
    throw new ConfigError(sentence) // OpenSSL's message names no file
  }
}
