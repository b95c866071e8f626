import { addressOf, type DeviceKey } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import type { Attestation, ClockReading, Ledger, Signed, Stage, Vote } from '../../protocol/ledger.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { verifyDigest } from '../../protocol/signature-checks.ts';
import { type Standing, UNKNOWN } from '../../protocol/standing.ts';
import type { Scheduler } from '../scheduler.ts';

const STAGES: readonly { readonly stage: Stage; readonly ms: number }[] = [
  { stage: 'answer', ms: 8_000 },
  { stage: 'critique', ms: 5_000 },
  { stage: 'vote', ms: 7_000 },
];
export const ROUND_MS = 20_000;

/**
 * The reading of a simulated clock at `now` milliseconds. Rounds take 20 s from 0, and are seeded by their
 * number.
 */
function readingAt(now: number): ClockReading {
  const round = Math.floor(now / ROUND_MS);
  const seed = toHex(sha256Of(new TextEncoder().encode(`seed ${round}`)));
  let since = now - round * ROUND_MS;
  for (const { stage, ms } of STAGES) {
    if (since < ms) return { round, stage, sinceStageStart: since, untilStageEnd: ms - since, seed };
    since -= ms;
  }
  throw new Error('The stages do not fill the round.');
}

/** 65 bytes, of which the last is zero. */
const SIGNATURE = /^0x[0-9a-f]{128}00$/;

/**
 * A ledger without a chain. Its signatures are real: secp256k1 over the network's name and the statement's
 * JSON, 64 bytes and a zero. They are verified against the address by a directory of public keys that the
 * devices of a network share. A device that `standings` lacks is unknown.
 */
export function simulatedLedger(
  key: DeviceKey,
  scheduler: Scheduler,
  directory: Map<DeviceAddress, Uint8Array>,
  network = 'simulated:1',
  standings: ReadonlyMap<DeviceAddress, Standing> = new Map(),
): Ledger {
  directory.set(addressOf(key.publicKey), key.publicKey);
  const digest = (value: unknown): Uint8Array =>
    sha256Of(new TextEncoder().encode(`${network}\n${JSON.stringify(value)}`));
  const sign = <T>(value: T): Signed<T> => ({
    value,
    device: key.address,
    signature: `${toHex(key.sign(digest(value)))}00`,
  });
  const verify = async <T>({ value, device, signature }: Signed<T>): Promise<boolean> => {
    const publicKey = directory.get(device);
    if (publicKey === undefined || !SIGNATURE.test(signature)) return false;
    return verifyDigest(fromHex(signature).subarray(0, 64), digest(value), publicKey);
  };
  return {
    clock: { read: () => readingAt(scheduler.now()) },
    signAttestation: async (attestation: Attestation) => {
      checkRound(attestation.round);
      return sign(attestation);
    },
    signVote: async ({ round, winners }: Vote) => {
      checkRound(round);
      const sorted = winners.map((winner): DeviceAddress => toHex(fromHex(winner))).sort();
      if (new Set(sorted).size !== sorted.length) throw new TypeError('A vote names each winner once.');
      return sign({ round, winners: sorted });
    },
    verifyAttestation: verify,
    verifyVote: verify,
    standingsOf: async (devices) => devices.map((device) => standings.get(device) ?? UNKNOWN),
  };
}

function checkRound(round: number): void {
  if (!Number.isSafeInteger(round) || round < 0) throw new TypeError(`${round} is no round.`);
}
