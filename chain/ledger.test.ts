import { type Hex, hashTypedData, recoverTypedDataAddress } from 'viem';
import { describe, expect, it } from 'vitest';
import { deviceKey } from '../protocol/device-key.ts';
import type { RoundClock } from '../protocol/ledger.ts';
import { ChainLedger, MAX_WINNERS, voteDigest } from './ledger.ts';
import { secretOf } from './testing/local-chain.ts';
import { ATTESTATION_TYPES, domainOf } from './typed-data.ts';

const participation = `0x${'ab'.repeat(20)}` as const;
const clock: RoundClock = {
  read: () => ({ round: 3, stage: 'vote', sinceStageStart: 0, untilStageEnd: 1, seed: '0x' }),
};
const device = deviceKey(secretOf(1));
const ledgerOn = (chainId: number) => new ChainLedger({ clock, device, chainId, participation });
const ledger = ledgerOn(31337);
const attestation = {
  round: 3,
  checkpointRoot: `0x${'11'.repeat(32)}`,
  rolloutDigest: `0x${'22'.repeat(32)}`,
} as const;
const winners: readonly Hex[] = ['0xcc', '0xBB', '0xaa'].map(
  (start): Hex => `${start as Hex}${'00'.repeat(19)}`,
);

describe('ChainLedger', () => {
  it('signs attestations that any EIP-712 library attributes to the device', async () => {
    const signed = await ledger.signAttestation(attestation);
    const signer = await recoverTypedDataAddress({
      domain: domainOf(31337, participation),
      types: ATTESTATION_TYPES,
      primaryType: 'Attestation',
      message: { ...attestation, round: 3n },
      signature: signed.signature,
    });
    expect(signer.toLowerCase()).toBe(device.address);
    expect(await ledger.verifyAttestation(signed)).toBe(true);
  });

  it('does not verify what was changed, moved to another chain, or is another device’s', async () => {
    const signed = await ledger.signAttestation(attestation);
    const { value } = signed;
    expect(await ledger.verifyAttestation({ ...signed, value: { ...value, round: 4 } })).toBe(false);
    expect(
      await ledger.verifyAttestation({ ...signed, value: { ...value, rolloutDigest: value.checkpointRoot } }),
    ).toBe(false);
    expect(await ledger.verifyAttestation({ ...signed, device: deviceKey(secretOf(2)).address })).toBe(false);
    expect(await ledgerOn(10).verifyAttestation(signed)).toBe(false);
  });

  it('answers no to values that cannot even be hashed', async () => {
    const signed = await ledger.signAttestation(attestation);
    for (const round of [-1, 0.5, Number.NaN, 2 ** 70]) {
      expect(await ledger.verifyAttestation({ ...signed, value: { ...attestation, round } })).toBe(false);
    }
    expect(
      await ledger.verifyAttestation({ ...signed, value: { ...attestation, checkpointRoot: '0x12' } }),
    ).toBe(false);
    expect(await ledger.verifyAttestation({ ...signed, signature: '0x' })).toBe(false);
    expect(await ledger.verifyVote({ ...signed, value: { round: 3, winners: ['0x'] } })).toBe(false);
  });

  it('signs votes in the order the contract takes', async () => {
    const signed = await ledger.signVote({ round: 3, winners });
    expect(signed.value.winners).toEqual(
      ['0xaa', '0xbb', '0xcc'].map((start) => `${start}${'00'.repeat(19)}`),
    );
    expect(await ledger.verifyVote(signed)).toBe(true);
    expect(await ledger.verifyVote({ ...signed, value: { round: 3, winners: winners.slice(1) } })).toBe(
      false,
    );
  });

  it('refuses to sign nonsense', async () => {
    await expect(ledger.signAttestation({ ...attestation, round: -1 })).rejects.toThrow('is no round');
    await expect(ledger.signVote({ round: 3, winners: winners.concat(winners) })).rejects.toThrow('once');
    const crowd = Array.from({ length: MAX_WINNERS + 1 }, (_, i) => deviceKey(secretOf(i)).address);
    await expect(ledger.signVote({ round: 3, winners: crowd })).rejects.toThrow(`${MAX_WINNERS}`);
  });

  it('hashes arrays as EIP-712 says', () => {
    const one = voteDigest(1, participation, { round: 1, winners: [device.address] });
    const same = hashTypedData({
      domain: domainOf(1, participation),
      types: {
        Vote: [
          { name: 'round', type: 'uint64' },
          { name: 'winners', type: 'address[]' },
        ],
      },
      primaryType: 'Vote',
      message: { round: 1n, winners: [device.address] },
    });
    expect(one).toBe(same);
  });
});
