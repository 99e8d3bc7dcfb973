/**
 * On every answer of an operation, failures too. An API answers data, never a page: nothing in it may run, be framed or
 * be guessed to be of another type (OWASP REST Security Cheat Sheet, "Security Headers").
 */
export const securityHeaders: readonly string[] = [
  "x-content-type-options", "nosniff",
  "content-security-policy", "default-src 'none'; frame-ancestors 'none'",
];
