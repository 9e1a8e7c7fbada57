/** All that there are, so that what is counted here is what the server counts. */
export const NAMESPACES = [
  '/',
  '/public',
  '/support',
  '/admin',
  '/customer',
  '/seller',
  '/documents',
  '/notifications',
] as const
