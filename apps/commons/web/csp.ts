/** The nonce of this page, for a library that has to make a style element: without it the browser ignores the element. */
export const cspNonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
