/**
 * The code of a system error (`ENOENT`), or ''. Checks for the member: an error from another realm is not an
 * `instanceof Error`.
 */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return String(error.code);
}
