import { type Address, encodePacked, type Hex, keccak256 } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Attestation, Signed } from '../protocol/ledger.ts';
import { firstBlockSince, readAttestations } from './attestations.ts';
import {
  delegationFor,
  delegationTypedData,
  postBinding,
  postSessionEnd,
  readBinding,
  readDevices,
  readNextTerms,
  SCOPE,
  type SignedBinding,
  signConsent,
  signSessionEnd,
} from './binding.ts';
import { LOCAL_DISPUTES } from './deployment/dispute-settings.ts';
import { planDeployment } from './deployment/plan.ts';
import { DeviceChain } from './device-chain.ts';
import { ANVIL_KEYS, NO_ANVIL } from './devnet/anvil.ts';
import { ChainError, revertOf, toChainError } from './errors.ts';
import { identityAbi, participationAbi } from './generated/abi.ts';
import { readHeard, readOwnerRecord, readParticipants, readRecords } from './records.ts';
import { readSchedule, roundMs, seedOf } from './schedule.ts';
import { locationOf } from './swarm-location.ts';
import {
  attestationEntry,
  identityAt,
  type LocalChain,
  secretOf,
  startLocalChain,
  swarmsAt,
  voteEntry,
} from './testing/local-chain.ts';

const hash = (text: string): Hex => keccak256(encodePacked(['string'], [text]));

/** Rounds only go up on one chain, so each test takes the next free stretch of them. */
let nextRound = 1;
function freshRound(): number {
  nextRound += 5;
  return nextRound;
}

describe.skipIf(NO_ANVIL !== undefined)(
  `contracts on anvil${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;

    beforeAll(async () => {
      local = await startLocalChain();
    });
    afterAll(() => local?.stop());

    const attest = (n: number, round: number): Promise<Signed<Attestation>> =>
      local.device(n).ledger.signAttestation({
        round,
        checkpointRoot: hash(`root ${n} ${round}`),
        rolloutDigest: hash(`rollouts ${n}`),
      });

    /** Posts with development account 1, and tells the events of each entry. */
    async function post(round: number, entries: readonly Signed<Attestation>[]) {
      const wallet = local.wallet(1);
      const hash_ = await wallet.writeContract({
        address: local.network.contracts.participation,
        abi: participationAbi,
        functionName: 'attestBatch',
        args: [0n, BigInt(round), entries.map(attestationEntry)],
        chain: wallet.chain ?? null,
        account: wallet.account ?? null,
      });
      return local.client.waitForTransactionReceipt({ hash: hash_ });
    }

    const attestationsOf = async (n: number): Promise<number> => {
      const [record] = await readRecords(local.client, locationOf(local.network), [
        local.device(n).signer.address,
      ]);
      return record?.attestations ?? -1;
    };

    async function bindingBy(n: number, device: number, replaces?: Address): Promise<SignedBinding> {
      const { chainId, contracts } = local.network;
      const owner = privateKeyToAccount(ANVIL_KEYS[n] ?? '0x');
      const { signer } = local.device(device);
      const delegation = delegationFor({
        owner: owner.address,
        device: signer,
        ...(await readNextTerms(local.client, contracts.identity, owner.address, signer.address)),
        ...(replaces === undefined ? {} : { replaces }),
      });
      return {
        x: signer.x,
        y: signer.y,
        delegation,
        ownerSignature: await owner.signTypedData(
          delegationTypedData(chainId, contracts.identity, delegation),
        ),
        consentSignature: signConsent(signer, chainId, contracts.identity, delegation),
      };
    }

    it('deploys to the addresses that are the same on every chain', () => {
      const { rollup, ...contracts } = planDeployment({ disputes: LOCAL_DISPUTES }).addresses;
      expect(local.network).toMatchObject({ contracts, rollup });
    });

    it('has the clock and the seeds that TypeScript computes', async () => {
      const book = swarmsAt(local.network, local.client);
      const { schedule } = local;
      expect(schedule.seconds).toEqual({ answer: 8, critique: 5, vote: 7 });
      for (const round of [0, 1, 77, 2 ** 40]) {
        expect(await book.read.seedOf([0n, BigInt(round)])).toBe(seedOf(schedule, round));
        const begins = BigInt(schedule.genesis + (round * roundMs(schedule)) / 1000);
        expect(await book.read.roundAt([0n, begins])).toBe(BigInt(round));
        expect(await book.read.stageAt([0n, begins + 7n])).toBe(0);
        expect(await book.read.stageAt([0n, begins + 8n])).toBe(1);
        expect(await book.read.stageAt([0n, begins + 13n])).toBe(2);
      }
    });

    it('derives the same address and PeerId from a public key', async () => {
      for (const n of [1, 2, 3, 4]) {
        const { signer } = local.device(n);
        const [address, peerId] = await identityAt(local.network, local.client).read.derive([
          signer.x,
          signer.y,
        ]);
        expect(address.toLowerCase()).toBe(signer.address);
        expect(peerId).toBe(signer.peerIdDigest);
      }
      expect(await identityAt(local.network, local.client).read.SCOPE_ATTEST()).toBe(SCOPE.attest);
      expect(await identityAt(local.network, local.client).read.SCOPE_VOTE()).toBe(SCOPE.vote);
    });

    it('takes signed attestations from any poster, skips the bad ones and refuses a replay', async () => {
      const round = freshRound();
      await local.toRound(round);
      const good = await attest(10, round);
      const forged = { ...(await attest(11, round)), device: local.device(12).signer.address };
      const changed = await attest(13, round);
      const receipt = await post(round, [
        good,
        forged,
        { ...changed, value: { ...changed.value, checkpointRoot: hash('another') } },
      ]);
      expect(receipt.status).toBe('success');
      expect(await Promise.all([10, 11, 12, 13].map(attestationsOf))).toEqual([1, 0, 0, 0]);
      await post(round, [good]);
      expect(await attestationsOf(10)).toBe(1);
    });

    it('keeps a window of two rounds', async () => {
      const round = freshRound();
      await local.toRound(round);
      await expect(post(round + 1, [await attest(20, round + 1)])).rejects.toSatisfy(
        (error) =>
          toChainError(error).message === 'The round has not begun on the chain. Post it again in a moment.',
      );
      await local.toRound(round + 2);
      await post(round, [await attest(20, round)]);
      await local.toRound(round + 3);
      await expect(post(round, [await attest(21, round)])).rejects.toSatisfy(
        (error) => toChainError(error).code === 'refused' && revertOf(error)?.name === 'Refused',
      );
      expect(await attestationsOf(20)).toBe(1);
      expect(await attestationsOf(21)).toBe(0);
    });

    it('reads attestations with their share of the gas, and everybody’s records', async () => {
      const round = freshRound();
      await local.toRound(round);
      const fromBlock = (await local.client.getBlockNumber()) + 1n;
      const receipt = await post(round, [await attest(30, round), await attest(31, round)]);
      const location = locationOf(local.network);
      const toBlock = receipt.blockNumber;
      const all = await readAttestations({ client: local.client, location, fromBlock, toBlock });
      expect(all).toHaveLength(2);
      expect(all[0]).toEqual({
        device: local.device(30).signer.address,
        round,
        checkpointRoot: hash(`root 30 ${round}`),
        rolloutDigest: hash('rollouts 30'),
        block: Number(receipt.blockNumber),
        transaction: receipt.transactionHash,
        gas: Math.round(Number(receipt.gasUsed) / 2),
        batch: 2,
      });
      const device = local.device(31).signer.address;
      const own = await readAttestations({ client: local.client, location, device, fromBlock, toBlock });
      expect(own.map((each) => each.device)).toEqual([device]);

      const votes = [
        await local.device(30).ledger.signVote({ round, winners: [device, local.device(30).signer.address] }),
      ];
      const wallet = local.wallet(1);
      const vote = await wallet.writeContract({
        address: location.participation,
        abi: participationAbi,
        functionName: 'voteBatch',
        args: [0n, votes.map(voteEntry)],
        chain: wallet.chain ?? null,
        account: wallet.account ?? null,
      });
      await local.client.waitForTransactionReceipt({ hash: vote });
      const people = await readParticipants({ client: local.client, location, fromBlock, toBlock });
      expect(people).toEqual([
        { device, attestations: 1, votesCast: 0, votesReceived: 1, lastRound: round, lastVote: undefined },
        {
          device: local.device(30).signer.address,
          attestations: 1,
          votesCast: 1,
          votesReceived: 0,
          lastRound: round,
          lastVote: round,
        },
      ]);
    });

    it('finds the first block of a time', async () => {
      const newest = await local.client.getBlock();
      expect(await firstBlockSince(local.client, 0)).toBe(0n);
      expect(await firstBlockSince(local.client, Number(newest.timestamp) + 1)).toBe(newest.number + 1n);
      const found = await firstBlockSince(local.client, Number(newest.timestamp));
      expect((await local.client.getBlock({ blockNumber: found })).timestamp).toBe(newest.timestamp);
      expect((await local.client.getBlock({ blockNumber: found - 1n })).timestamp).toBeLessThan(
        newest.timestamp,
      );
    });

    it('carries a device’s record to the owner who binds it later', async () => {
      const round = freshRound();
      await local.toRound(round);
      await post(round, [await attest(40, round)]);
      const { identity } = local.network.contracts;
      const location = locationOf(local.network);
      const owner = privateKeyToAccount(ANVIL_KEYS[2] ?? '0x').address;
      const { signer } = local.device(40);
      expect((await readOwnerRecord(local.client, location, owner)).attestations).toBe(0);
      expect(await readBinding(local.client, identity, signer.address)).toBeNull();

      // The owner only signs; another account posts and pays.
      await postBinding({ queue: local.queue(1), identity, binding: await bindingBy(2, 40) });

      expect((await readOwnerRecord(local.client, location, owner)).attestations).toBe(1);
      expect(await readBinding(local.client, identity, signer.address)).toMatchObject({
        owner: owner.toLowerCase(),
        revoked: false,
        scope: 3,
      });
      expect((await readDevices(local.client, identity, owner)).map((each) => each.toLowerCase())).toEqual([
        signer.address,
      ]);
      expect(await identityAt(local.network, local.client).read.deviceOf([signer.peerIdDigest])).toMatch(
        new RegExp(signer.address, 'i'),
      );
    });

    it('says in a sentence why a binding is refused', async () => {
      const { identity } = local.network.contracts;
      const binding = await bindingBy(2, 41);
      const stranger = await bindingBy(3, 41);
      const refused = (each: SignedBinding) =>
        postBinding({ queue: local.queue(1), identity, binding: each });
      await expect(refused({ ...binding, ownerSignature: stranger.ownerSignature })).rejects.toThrow(
        'The wallet’s signature does not fit. Sign again on the right chain.',
      );
      await expect(refused({ ...binding, consentSignature: stranger.consentSignature })).rejects.toThrow(
        'The device’s consent does not fit. Sign again.',
      );
      await refused(binding);
      await expect(refused(binding)).rejects.toThrow(/A newer delegation of this device was posted already/);
      await expect(refused(stranger)).rejects.toThrow(/belongs to another owner for good/);
    });

    it('counts signed rounds of a device in any order, whoever posts them', async () => {
      const round = freshRound();
      await local.toRound(round + 2);
      const location = locationOf(local.network);
      const device = local.device(43).signer.address;
      const heard = (of: number) =>
        readHeard({ client: local.client, location, what: 'attestation', devices: [device], round: of });
      await post(round + 2, [await attest(43, round + 2)]);
      expect(await heard(round)).toEqual(new Set());
      await post(round, [await attest(43, round)]);
      await post(round + 1, [await attest(43, round + 1)]);
      expect(await attestationsOf(43)).toBe(3);
      expect(await heard(round)).toEqual(new Set([device]));
    });

    it('replaces the key of a device in one transaction, and lets a device end its delegation', async () => {
      const { contracts, chainId } = local.network;
      const { identity } = contracts;
      const [old, young] = [local.device(44).signer, local.device(45).signer];
      const queue = local.queue(1);
      await postBinding({ queue, identity, binding: await bindingBy(2, 44) });
      await postBinding({ queue, identity, binding: await bindingBy(2, 45, old.address) });
      const owner = privateKeyToAccount(ANVIL_KEYS[2] ?? '0x').address.toLowerCase();
      expect(await readBinding(local.client, identity, old.address)).toMatchObject({ owner, revoked: true });
      const binding = await readBinding(local.client, identity, young.address);
      if (binding === null) throw new Error('The new device is not bound.');
      expect(binding).toMatchObject({ owner, revoked: false, retired: false });

      // A renewal is newer in the same second, too; the end that was signed before does not touch it.
      const early = signSessionEnd(young, chainId, identity, binding);
      await postBinding({ queue, identity, binding: await bindingBy(2, 45) });
      const end = (signature: Hex) => postSessionEnd({ queue, identity, device: young.address, signature });
      await expect(end(early)).rejects.toThrow('The device did not sign the end of this delegation.');
      const renewed = await readBinding(local.client, identity, young.address);
      expect(renewed?.nonce).toBeGreaterThan(binding.nonce);
      await end(signSessionEnd(young, chainId, identity, renewed ?? binding));
      expect(await readBinding(local.client, identity, young.address)).toMatchObject({
        owner,
        revoked: true,
      });
    });

    it('refuses a revoked device’s attestations and keeps what it had earned', async () => {
      const round = freshRound();
      await local.toRound(round);
      await post(round, [await attest(42, round)]);
      const { identity } = local.network.contracts;
      await postBinding({ queue: local.queue(1), identity, binding: await bindingBy(3, 42) });
      const wallet = local.wallet(3);
      const revoked = await wallet.writeContract({
        address: identity,
        abi: identityAbi,
        functionName: 'revokeAll',
        chain: wallet.chain ?? null,
        account: wallet.account ?? null,
      });
      await local.client.waitForTransactionReceipt({ hash: revoked });
      await local.toRound(round + 1);
      await post(round + 1, [await attest(42, round + 1)]);
      expect(await attestationsOf(42)).toBe(1);
    });

    it('serves a device through DeviceChain', async () => {
      const round = freshRound();
      await local.toRound(round);
      const chain = await DeviceChain.open({ network: local.network, secret: secretOf(50) });
      expect(chain.clock.read()).toMatchObject({ round, stage: 'answer' });
      expect(chain.stageLength('critique')).toBe(5000);
      expect(await chain.owner()).toBeNull();
      const seen = new Promise<number>((resolve) =>
        chain.watchInclusions(round, (each) => resolve(each.round)),
      );
      const signed = await chain.ledger.signAttestation({
        round,
        checkpointRoot: hash('root'),
        rolloutDigest: hash('rollouts'),
      });
      expect(await chain.ledger.verifyAttestation(signed)).toBe(true);
      await post(round, [signed]);
      expect(await seen).toBe(round);
      await chain.stop();
    });

    it('says what is wrong when contracts or node are not there', async () => {
      const nowhere = `0x${'12'.repeat(20)}` as const;
      await expect(readSchedule(local.client, nowhere, 0)).rejects.toMatchObject({ code: 'wrong-network' });
      await expect(readSchedule(local.client, local.network.contracts.swarms, 99)).rejects.toThrow(
        'There is no swarm of this number on this chain. Look for it in the list.',
      );
      const rpc = 'http://127.0.0.1:9';
      const opening = DeviceChain.open({ network: { ...local.network, rpc }, secret: secretOf(1) });
      await expect(opening).rejects.toBeInstanceOf(ChainError);
      await expect(opening).rejects.toMatchObject({ code: 'unreachable' });
    });
  },
);
