/**
 * Why an attestation or a vote does not count, in the order of `Refusal` in contracts/src/IParticipation.sol.
 */
const REJECT_REASONS = [
  { name: 'none', sentence: 'It counts.' },
  { name: 'bad-signature', sentence: 'The device did not sign this for this chain.' },
  { name: 'not-yet', sentence: 'The round has not begun on the chain. Post it again in a moment.' },
  { name: 'closed', sentence: 'The round closed more than two rounds ago.' },
  { name: 'repeated', sentence: 'The device has spoken for this round already.' },
  {
    name: 'no-authority',
    sentence: 'The device’s delegation has ended or does not cover this. Its owner can renew it.',
  },
  { name: 'unknown-voter', sentence: 'The voter has never attested a round.' },
  { name: 'empty', sentence: 'The vote names nobody.' },
  { name: 'too-many', sentence: 'The vote names too many winners.' },
  { name: 'unordered', sentence: 'The winners are not sorted by address, or one is named twice.' },
  { name: 'unknown-winner', sentence: 'The vote names a device that has never attested a round.' },
] as const;

export type RejectReasonName = (typeof REJECT_REASONS)[number]['name'];

export interface RejectReason {
  readonly name: RejectReasonName | 'unknown';
  readonly sentence: string;
}

/** The reason with this number; `unknown` for a number that a newer contract may have added. */
export function rejectReasonOf(code: number): RejectReason {
  return REJECT_REASONS[code] ?? { name: 'unknown', sentence: `The contract refused for reason ${code}.` };
}
