/** The code of a system error (`ENOENT`), or ''. Looks at the shape: an error from another realm is no `instanceof Error` here. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return String(error.code);
}
