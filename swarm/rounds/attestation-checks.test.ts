import { describe, expect, it } from 'vitest';
import { type DeviceKey, deviceKey, peerIdOf } from '../../protocol/device-key.ts';
import { type DeviceAddress, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { type Standing, UNKNOWN } from '../../protocol/standing.ts';
import { decodeMessage, encodeMessage, type Message, type UnsignedMessage } from '../messages/envelope.ts';
import { digestInCid, encodeRollouts } from '../messages/rollouts.ts';
import { sampleMessages } from '../messages/samples.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { attestationChecks } from './attestation-checks.ts';
import { isOfSample } from './object-checks.ts';

const keyOf = (n: number): DeviceKey => deviceKey(new Uint8Array(32).fill(1 + n));
const setBy = (key: DeviceKey) =>
  encodeRollouts({ author: key.address, modelRoot: `0x${'00'.repeat(32)}`, groups: [] });

/** An attestation of round 5 that names a rollout set, by default the device's own. */
function attestBy(key: DeviceKey, { cid } = setBy(key)): Message<'attest'> {
  const sample = sampleMessages.find(({ type }) => type === 'attest');
  const body = { ...sample?.body, rollouts: cid, rolloutDigest: digestInCid(cid) };
  const message = { ...sample, round: 5, body } as UnsignedMessage;
  return decodeMessage(encodeMessage(key, 'checks:1', message)) as Message<'attest'>;
}

/** Checks attestations where the swarm has the sets of `keys` and, if `silent`, never answers for others. */
function setUp(
  keys: readonly DeviceKey[],
  revealed: readonly DeviceKey[] = [],
  silent = false,
  members = 12,
) {
  const scheduler = new SimulatedScheduler();
  const objects = new Map(keys.map((key) => [setBy(key).cid, setBy(key).bytes]));
  const standings = new Map<DeviceAddress, Standing>();
  const asked: (readonly string[])[] = [];
  const checked: DeviceAddress[] = [];
  const rejections: string[] = [];
  let round = 5;
  const checks = attestationChecks({
    content: {
      fetchObject: async (cid, sources) => {
        asked.push(sources);
        const bytes = objects.get(cid);
        if (bytes === undefined && silent) return new Promise<never>(() => {});
        if (bytes === undefined) throw new Error('Nobody has it.');
        return bytes;
      },
    },
    device: '0x00000000000000000000000000000000000000aa',
    members: () => members,
    round: () => round,
    standingOf: (device) => standings.get(device) ?? UNKNOWN,
    placeRankOf: (author) => author,
    hasRevealed: (_round, author, cid) =>
      revealed.some((key) => key.address === author && setBy(key).cid === cid),
    reject: (reason) => rejections.push(reason),
    onChecked: ({ author }) => checked.push(author),
    scheduler,
    signal: new AbortController().signal,
  });
  return {
    checks,
    standings,
    asked,
    checked,
    rejections,
    settle: (milliseconds = 100) => scheduler.advance(milliseconds),
    /** The author has its set from now on. */
    comesBack: (key: DeviceKey) => objects.set(setBy(key).cid, setBy(key).bytes),
    nextRound: () => {
      round++;
    },
  };
}

describe('attestationChecks', () => {
  it('[P-80] acknowledges what was revealed without asking for it, and else what its author has', async () => {
    const [revealed, late, silent] = [keyOf(1), keyOf(2), keyOf(3)];
    const { checks, asked, checked, settle } = setUp([late], [revealed]);
    for (const key of [revealed, late, silent]) checks.check(attestBy(key));
    await settle();
    expect(checked).toEqual([revealed.address, late.address]);
    expect(asked).toEqual([late, silent].map(({ publicKey }) => [peerIdOf(publicKey)]));
  });

  it('[P-80] looks for a set again that was not to be had, until the attestation is stale', async () => {
    const [author, gone] = [keyOf(1), keyOf(2)];
    const { checks, asked, checked, settle, comesBack, nextRound } = setUp([]);
    for (const key of [author, gone]) checks.check(attestBy(key));
    await settle();
    expect(asked).toHaveLength(2);
    comesBack(author);
    await settle(5_000);
    expect(checked).toEqual([author.address]);
    expect(asked).toHaveLength(4);
    await settle(60_000);
    expect(asked).toHaveLength(6);

    checks.check(attestBy(gone));
    for (let n = 0; n < 3; n++) nextRound();
    await settle(60_000);
    expect(asked).toHaveLength(7);
    expect(checked).toEqual([author.address]);
  });

  it('[P-80] acknowledges no attestation of a set that names another author', async () => {
    const [victim, thief] = [keyOf(1), keyOf(2)];
    const { checks, checked, rejections, settle } = setUp([victim], [victim]);
    checks.check(attestBy(thief, setBy(victim)));
    await settle();
    expect(checked).toEqual([]);
    expect(rejections).toEqual(['malformed']);
  });

  it('[P-80] fetches a known device’s set while strangers never answer', async () => {
    const known = keyOf(1);
    const { checks, standings, checked, settle } = setUp([known], [], true);
    standings.set(known.address, { kind: 'known' });
    for (let n = 2; n < 8; n++) checks.check(attestBy(keyOf(n)));
    checks.check(attestBy(known));
    await settle();
    expect(checked).toEqual([known.address]);
  });

  it('[P-80] fetches at most 8 sets a round for unknown devices, and those of known ones first', async () => {
    const strangers = Array.from({ length: 30 }, (_, n) => keyOf(n + 40));
    const known = Array.from({ length: 12 }, (_, n) => keyOf(n + 1));
    const { checks, standings, checked, settle, nextRound } = setUp([...strangers, ...known]);
    for (const { address } of known) standings.set(address, { kind: 'known' });
    for (const key of [...strangers, ...known]) checks.check(attestBy(key));
    await settle();
    const names = (keys: readonly DeviceKey[]) =>
      keys.filter(({ address }) => checked.includes(address)).length;
    expect(names(known)).toBe(12);
    expect(names(strangers)).toBe(8);
    nextRound();
    for (const key of strangers) checks.check(attestBy(key));
    await settle();
    expect(checked).toHaveLength(12 + 8 + 8);
  });

  it('[P-195] has all of 12 members check an attestation, and about 8 of more, by the attested root', () => {
    const checkers = (members: number, root: number): readonly number[] =>
      Array.from({ length: members }, (_, n) => n).filter((n) =>
        isOfSample(bytes(32, root), bytes(20, n), members),
      );
    expect(checkers(12, 1)).toHaveLength(12);
    for (const members of [13, 24, 1_000]) {
      const counts = Array.from({ length: 200 }, (_, root) => checkers(members, root).length);
      const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
      expect(mean).toBeGreaterThan(7.5);
      expect(mean).toBeLessThan(9);
      expect(Math.min(...counts)).toBeGreaterThan(0);
    }
    expect(checkers(24, 1)).not.toEqual(checkers(24, 2));
  });

  it('[P-195] neither fetches nor acknowledges what others have to check', async () => {
    const keys = Array.from({ length: 8 }, (_, n) => keyOf(n + 1));
    const { checks, checked, asked, settle } = setUp(keys, [], false, 1_000_000);
    for (const key of keys) checks.check(attestBy(key));
    await settle();
    expect(checked).toEqual([]);
    expect(asked).toEqual([]);
  });
});

/** Bytes that only this number gives. */
function bytes(count: number, n: number): `0x${string}` {
  return toHex(sha256Of(new TextEncoder().encode(`bytes ${n}`)).subarray(0, count));
}
