import { type Hex, hexToBytes } from 'viem';

/** The code of a contract as it stands on a chain. */
export interface Runtime {
  readonly code: Hex;
  /** Where the constructor writes what it was given: first byte and number of bytes. */
  readonly immutables: readonly (readonly [number, number])[];
}

/** Whether code on a chain is that of a contract, but for what its constructor writes into it. */
export function isCodeOf(found: Hex | undefined, { code, immutables }: Runtime): boolean {
  if (found === undefined) return false;
  const [given, wanted] = [hexToBytes(found), hexToBytes(code)];
  if (given.length !== wanted.length) return false;
  for (const [start, length] of immutables)
    for (const bytes of [given, wanted]) bytes.fill(0, start, start + length);
  return given.every((byte, i) => byte === wanted[i]);
}
