/** `roomful`: the same as `@roomful/server`, with the packages that its program needs. */
export * from '@roomful/server'
