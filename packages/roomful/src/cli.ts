#!/usr/bin/env node
/** The program `roomful`. */
import '@roomful/server/cli'
