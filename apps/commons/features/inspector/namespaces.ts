/** What the inspector looks into. */
export const NAMESPACES = ['/', '/public', '/support', '/admin', '/customer', '/seller'] as const
