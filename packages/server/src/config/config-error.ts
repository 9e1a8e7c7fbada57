/** A setting that cannot be right. The message is a sentence for whoever starts the server; no stack is needed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
