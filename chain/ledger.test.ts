import { type Hex, hashTypedData, recoverTypedDataAddress } from 'viem';
import { describe, expect, it } from 'vitest';
import { deviceKey } from '../protocol/device-key.ts';
import type { RoundClock } from '../protocol/ledger.ts';
import { UNKNOWN } from '../protocol/standing.ts';
import { describeLedgerContract } from '../protocol/testing/ledger-contract.ts';
import { ChainLedger, MAX_WINNERS, voteDigest } from './ledger.ts';
import { secretOf } from './testing/local-chain.ts';
import { ATTESTATION_TYPES, domainOf } from './typed-data.ts';

const participation = `0x${'ab'.repeat(20)}` as const;
const location = { participation, swarm: 7 };
const clock: RoundClock = {
  read: () => ({ round: 3, stage: 'vote', sinceStageStart: 0, untilStageEnd: 1, seed: '0x' }),
};
const ledgerOf = (device: number, chainId = 31337, swarm = 7): ChainLedger =>
  new ChainLedger({
    clock,
    device: deviceKey(secretOf(device)),
    chainId,
    location: { participation, swarm },
    readStandings: async (devices) => devices.map(() => UNKNOWN),
  });
const { address: device } = deviceKey(secretOf(1));

describeLedgerContract('ChainLedger', () => ({
  ledger: ledgerOf(1),
  device,
  other: ledgerOf(2),
  otherDevice: deviceKey(secretOf(2)).address,
  elsewhere: ledgerOf(1, 10),
}));

describe('ChainLedger', () => {
  it('signs attestations that any EIP-712 library attributes to the device', async () => {
    const attestation = {
      round: 3,
      checkpointRoot: `0x${'11'.repeat(32)}`,
      rolloutDigest: `0x${'22'.repeat(32)}`,
    } as const;
    const signed = await ledgerOf(1).signAttestation(attestation);
    const signer = await recoverTypedDataAddress({
      domain: domainOf(31337, participation),
      types: ATTESTATION_TYPES,
      primaryType: 'Attestation',
      message: { ...attestation, swarm: 7n, round: 3n },
      signature: signed.signature,
    });
    expect(signer.toLowerCase()).toBe(device);
  });

  it('signs for one swarm, and no other swarm’s ledger verifies it', async () => {
    const hash = `0x${'11'.repeat(32)}` as const;
    const attested = await ledgerOf(1).signAttestation({
      round: 3,
      checkpointRoot: hash,
      rolloutDigest: hash,
    });
    const voted = await ledgerOf(1).signVote({ round: 3, winners: [device] });
    expect(await ledgerOf(2).verifyAttestation(attested)).toBe(true);
    expect(await ledgerOf(2, 31337, 8).verifyAttestation(attested)).toBe(false);
    expect(await ledgerOf(2).verifyVote(voted)).toBe(true);
    expect(await ledgerOf(2, 31337, 8).verifyVote(voted)).toBe(false);
  });

  it('refuses to sign more winners than the contract takes', async () => {
    const crowd = Array.from({ length: MAX_WINNERS + 1 }, (_, i): Hex => deviceKey(secretOf(i)).address);
    await expect(ledgerOf(1).signVote({ round: 3, winners: crowd })).rejects.toThrow(`${MAX_WINNERS}`);
    const { value } = await ledgerOf(1).signVote({ round: 3, winners: crowd.slice(1) });
    expect(value.winners).toHaveLength(MAX_WINNERS);
  });

  it('hashes arrays as EIP-712 says', () => {
    const one = voteDigest(1, location, { round: 1, winners: [device] });
    const same = hashTypedData({
      domain: domainOf(1, participation),
      types: {
        Vote: [
          { name: 'swarm', type: 'uint64' },
          { name: 'round', type: 'uint64' },
          { name: 'winners', type: 'address[]' },
        ],
      },
      primaryType: 'Vote',
      message: { swarm: 7n, round: 1n, winners: [device] },
    });
    expect(one).toBe(same);
  });
});
