/** Strings that break careless programs: markup, SQL, shells, Unicode corners, numbers in disguise, names of built-ins. */
const MARKUP = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '<svg/onload=alert(1)>', "javascript:alert('x')", '&lt;&amp;&#x27;', ']]>', '<!--', '{{7*7}}', '${7*7}']
const COMMANDS = ["' OR 1=1 --", "'; DROP TABLE events; --", '`id`', '$(touch /tmp/x)', '| ls', '../../../etc/passwd', '%00', '%s%n%p', '\\\\server\\share', 'C:\\']
const UNICODE = [
  '\u0000',
  '\u0001\u0008\u001b[31m',
  '\u200b',
  '\ufeff',
  '\u202eevil',
  '\u2028\u2029',
  '\uffff',
  '\ufffd',
  'Z͑ͫ̓a̴l̨g̦o',
  '田中さん',
  'ثم نفس',
  'İıŞş',
  'ẞß',
  'Ω≈ç√∫',
  '👩‍👩‍👧‍👦',
  '🇺🇳',
  '¯\\_(ツ)_/¯',
  '𝕋𝕖𝕩𝕥',
  '\u{10ffff}',
  'e\u0301é',
]
const DISGUISED = ['undefined', 'null', 'true', 'NaN', 'Infinity', '-1', '1e309', '0x0', '9007199254740993', '1/0', '[object Object]', '{}', '[]', '""', '\\', '"', "'", '\\u0000', '\r\n', '\t', ' ', '.', '..']
const BUILT_INS = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'valueOf', 'then', 'length', 'CON', 'NUL']

export const NAUGHTY_STRINGS: string[] = [...MARKUP, ...COMMANDS, ...UNICODE, ...DISGUISED, ...BUILT_INS]
