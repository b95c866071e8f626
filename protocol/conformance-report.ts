import type { Hex } from './hex.ts';

/** What the conformance gate found for the engine that a device computes with. Attested with every round. */
export interface ConformanceReport {
  readonly verdict: 'passed' | 'failed' | 'untested';
  /** For people, e.g. "492 of 492 checks". */
  readonly detail: string;
  /** SHA-256 of the table of expected digests that the gate compared with. */
  readonly suite: Hex;
}

/** The report of a device whose engine no gate has judged. */
export const UNTESTED: ConformanceReport = { verdict: 'untested', detail: '', suite: `0x${'00'.repeat(32)}` };
