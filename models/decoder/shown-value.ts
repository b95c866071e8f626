/** Characters of a value that a message shows. */
const MOST = 80;

/**
 * A value of a stranger's file as a message shows it. Never throws: DAG-CBOR has integers that JSON has not.
 */
export function shownValue(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  return text?.slice(0, MOST) ?? 'undefined';
}
