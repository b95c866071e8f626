import { addressOf, type DeviceKey, verifyDigest } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import type { Attestation, ClockReading, Ledger, Signed, Stage, Vote } from '../../protocol/ledger.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { Scheduler } from '../scheduler.ts';

const STAGES: readonly { readonly stage: Stage; readonly ms: number }[] = [
  { stage: 'answer', ms: 8_000 },
  { stage: 'critique', ms: 5_000 },
  { stage: 'vote', ms: 7_000 },
];
export const ROUND_MS = 20_000;

/** Where a simulated clock stands: rounds of 20 s from 0, seeded by their number. */
export function readingAt(now: number): ClockReading {
  const round = Math.floor(now / ROUND_MS);
  const seed = toHex(sha256Of(new TextEncoder().encode(`seed ${round}`)));
  let since = now - round * ROUND_MS;
  for (const { stage, ms } of STAGES) {
    if (since < ms) return { round, stage, sinceStageStart: since, untilStageEnd: ms - since, seed };
    since -= ms;
  }
  throw new Error('The stages do not fill the round.');
}

/**
 * A ledger without a chain. Its signatures are real: secp256k1 over the claim's JSON, 64 bytes and a zero, verified
 * against the address by a directory of public keys that its devices share.
 */
export function simulatedLedger(
  key: DeviceKey,
  scheduler: Scheduler,
  directory: Map<DeviceAddress, Uint8Array>,
): Ledger {
  directory.set(addressOf(key.publicKey), key.publicKey);
  const digest = (value: unknown): Uint8Array => sha256Of(new TextEncoder().encode(JSON.stringify(value)));
  const sign = async <T>(value: T): Promise<Signed<T>> => ({
    value,
    device: key.address,
    signature: `${toHex(key.sign(digest(value)))}00`,
  });
  const verify = async <T>({ value, device, signature }: Signed<T>): Promise<boolean> => {
    const publicKey = directory.get(device);
    return (
      publicKey !== undefined && verifyDigest(fromHex(signature).subarray(0, 64), digest(value), publicKey)
    );
  };
  return {
    clock: { read: () => readingAt(scheduler.now()) },
    signAttestation: (attestation: Attestation) => sign(attestation),
    signVote: (vote: Vote) => sign(vote),
    verifyAttestation: verify,
    verifyVote: verify,
  };
}
