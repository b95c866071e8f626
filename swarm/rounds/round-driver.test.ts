import { describe, expect, it } from 'vitest';
import type { Hex } from '../../protocol/hex.ts';
import type { RolloutSet } from '../../protocol/trainer.ts';
import { commitmentOf } from '../messages/commitment.ts';
import { digestInCid, encodeRollouts } from '../messages/rollouts.ts';
import { sampleMessages } from '../messages/samples.ts';
import { ROUND_MS } from '../testing/simulated-ledger.ts';
import { type SimulatedPeer, SimulatedSwarm } from '../testing/simulated-swarm.ts';

const SALT: Hex = `0x${'ab'.repeat(32)}`;
/** Time for hellos to be exchanged before the first round. */
const LEAD = ROUND_MS - 2_000;

/** A swarm whose peers have greeted one another and begin with round 1. */
async function greeted(...names: readonly string[]) {
  const swarm = new SimulatedSwarm();
  const peers = names.map((name) => swarm.join(name, { answerMs: 1_500 }));
  await swarm.scheduler.advance(LEAD);
  return { swarm, peers };
}

describe('RoundDriver', () => {
  it('[P-48] takes three peers through full rounds to attestations that the others check', async () => {
    const { swarm, peers } = await greeted('a', 'b', 'c');
    for (const { key } of peers) swarm.standings.set(key.address, { kind: 'known' });
    for (const { driver } of peers) driver.start();
    await swarm.scheduler.advance(2_000 + 3 * ROUND_MS);

    for (const peer of peers) {
      expect(peer.trainer.trained.map(({ round }) => round)).toEqual([1, 2, 3]);
      expect(peer.trainer.trained.every(({ cids }) => new Set(cids).size === 3)).toBe(true);
      expect(peer.of('sent').map(({ round }) => round)).toEqual([1, 2, 3]);
      for (const round of [1, 2, 3]) {
        expect(
          Math.max(
            ...peer
              .of('accepted')
              .filter((event) => event.round === round)
              .map((event) => event.peers),
          ),
        ).toBe(2);
      }
      expect(peer.of('failed')).toEqual([]);
      expect(peer.gossip.rejected.snapshot()).toEqual({});
    }
    // Answers take 1.5 s of the simulated time, training 2 s, and the rest none.
    for (const { computeMs } of peers.flatMap((peer) => peer.of('trained'))) expect(computeMs).toBe(3_500);
    expect(new Set(peers.map(({ trainer }) => trainer.root)).size).toBe(3);
    for (const peer of peers) {
      expect(peer.of('attested')).toHaveLength(6);
      expect(peer.of('votes')).toHaveLength(9);
    }
    // Stage events come in order.
    const stages = peers[0]?.of('stage').map(({ round, stage }) => `${round} ${stage}`) ?? [];
    expect(stages.slice(stages.indexOf('1 answer'), stages.indexOf('2 answer') + 1)).toEqual([
      '1 answer',
      '1 critique',
      '1 vote',
      '2 answer',
    ]);
  });

  it('[P-70] [P-81] lets a late joiner begin with the next round and nobody wait for it', async () => {
    const { swarm, peers } = await greeted('a', 'b');
    for (const { driver } of peers) driver.start();
    await swarm.scheduler.advance(2_000 + 6_000);
    const late = swarm.join('late', { answerMs: 1_500 });
    late.driver.start();
    expect(late.driver.sentence).toBe('Waiting for round 2; round 1 is under way.');
    await swarm.scheduler.advance(2 * ROUND_MS);
    expect(late.trainer.trained.map(({ round }) => round)).toEqual([2]);
    expect(late.trainer.trained[0]?.cids).toHaveLength(3);
    expect(peers[0]?.trainer.trained.map(({ round }) => round)).toEqual([1, 2]);
  });

  it('[P-81] goes on when a peer falls silent, and alone', async () => {
    const { swarm, peers } = await greeted('a', 'b');
    const [a, b] = peers;
    for (const { driver } of peers) driver.start();
    await swarm.scheduler.advance(2_000 + 10_000);
    await b?.driver.stop();
    await swarm.scheduler.advance(2 * ROUND_MS);
    expect(a?.trainer.trained.map(({ cids }) => cids.length)).toEqual([2, 1]);
    expect(b?.trainer.trained).toEqual([]);
  });

  it('[P-75] keeps a slow answer to itself but trains on it', async () => {
    const swarm = new SimulatedSwarm();
    const fast = swarm.join('fast', { answerMs: 1_500 });
    const slow = swarm.join('slow', { answerMs: 7_000 });
    await swarm.scheduler.advance(LEAD);
    fast.driver.start();
    slow.driver.start();
    await swarm.scheduler.advance(2_000 + ROUND_MS);
    expect(fast.trainer.trained.map(({ cids }) => cids.length)).toEqual([1]);
    expect(slow.trainer.trained.map(({ cids }) => cids.length)).toEqual([2]);
    // The slow one revealed nothing, so the fast one fetched its answers to acknowledge them.
    expect(fast.of('accepted').map(({ strangers }) => strangers)).toEqual([1]);
    expect(slow.of('accepted').map(({ strangers }) => strangers)).toEqual([1]);
  });

  it('[P-79] sits out the rounds that training overruns and still attests in time', async () => {
    const swarm = new SimulatedSwarm();
    const peer = swarm.join('tortoise', { answerMs: 1_500, trainMs: 25_000 });
    await swarm.scheduler.advance(LEAD);
    peer.driver.start();
    await swarm.scheduler.advance(2_000 + 5 * ROUND_MS);
    expect(peer.of('sent').map(({ round }) => round)).toEqual([1, 3]);
  });

  it('[P-71] [P-74] rejects a reveal without commit, other answers than committed, and a late commit', async () => {
    const { swarm, peers } = await greeted('honest', 'liar');
    const [honest, liar] = peers;
    if (honest === undefined || liar === undefined) throw new Error('two peers joined');
    honest.driver.start();
    await swarm.scheduler.advance(2_000 + 100);
    const set = answerOf(liar);
    const { cid } = encodeRollouts(set);
    const { rejected } = honest.gossip;

    const third = swarm.join('third', {});
    await swarm.scheduler.advance(2_000);
    const digest = commitmentOf(SALT, third.key.address, cid);
    await third.gossip.publish({ type: 'commit', round: 1, body: { digest } });
    await swarm.scheduler.advance(2_800);
    await liar.gossip.publish({ type: 'reveal', round: 1, body: { salt: SALT, cid, rollouts: set } });
    await swarm.scheduler.advance(100);
    expect(rejected.get('unmatched-reveal')).toBe(1);
    const other = { ...set, author: third.key.address, modelRoot: SALT };
    await third.gossip.publish({
      type: 'reveal',
      round: 1,
      body: { salt: SALT, cid: encodeRollouts(other).cid, rollouts: other },
    });
    await swarm.scheduler.advance(100);
    expect(rejected.get('unmatched-reveal')).toBe(2);

    // After 60 % of the stage the answers are public.
    await swarm.scheduler.advance(700);
    await liar.gossip.publish({
      type: 'commit',
      round: 1,
      body: { digest: commitmentOf(SALT, liar.key.address, cid) },
    });
    await swarm.scheduler.advance(100);
    expect(rejected.get('wrong-stage')).toBe(1);
    await swarm.scheduler.advance(ROUND_MS);
    expect(honest.trainer.trained[0]?.cids).toHaveLength(1);
  });

  it('[P-49] [P-74] takes equal texts of two authors, and no set that names another author', async () => {
    const { swarm, peers } = await greeted('honest', 'victim', 'thief', 'copier');
    const [honest, victim, thief, copier] = peers;
    if (honest === undefined || victim === undefined || thief === undefined || copier === undefined)
      throw new Error('four peers joined');
    honest.driver.start();
    await swarm.scheduler.advance(2_000 + 100);
    const set = answerOf(victim);
    // Anybody can compute the victim's answers from its published checkpoint, and be faster.
    const reveals = [
      { peer: thief, set: { ...set, author: thief.key.address } },
      { peer: copier, set },
      { peer: victim, set },
    ];
    for (const { peer, set } of reveals) {
      const digest = commitmentOf(SALT, peer.key.address, encodeRollouts(set).cid);
      await peer.gossip.publish({ type: 'commit', round: 1, body: { digest } });
    }
    await swarm.scheduler.advance(5_200);
    for (const { peer, set } of reveals) {
      const { cid } = encodeRollouts(set);
      await peer.gossip.publish({ type: 'reveal', round: 1, body: { salt: SALT, cid, rollouts: set } });
      await swarm.scheduler.advance(100);
    }
    await swarm.scheduler.advance(4_000);
    expect(honest.gossip.rejected.snapshot()).toEqual({ 'unmatched-reveal': 1 });
    const heard = honest.of('answers').filter(({ own }) => !own);
    expect(new Set(heard.map(({ author }) => author))).toEqual(
      new Set([thief.key.address, victim.key.address]),
    );
  });

  it('[P-71] [P-73] commits before 0.6 of the answer stage, and reveals 500 ms after', async () => {
    const { swarm, peers } = await greeted('a', 'b');
    const [a, b] = peers;
    if (a === undefined || b === undefined) throw new Error('two peers joined');
    const times: string[] = [];
    b.gossip.onMessage(({ type }) => {
      if (type === 'commit' || type === 'reveal') times.push(`${type} ${swarm.scheduler.now() - ROUND_MS}`);
    });
    a.driver.start();
    await swarm.scheduler.advance(2_000 + 7_900);
    // The answer takes 1,500 ms and the bus 20. The answer stage has 8,000.
    expect(times).toEqual(['commit 1520', `reveal ${0.6 * 8_000 + 500 + 20}`]);
  });

  it('[P-74] rejects a reveal before the reveal time of its own clock, also one of the next round', async () => {
    const { swarm, peers } = await greeted('honest', 'early', 'skewed');
    const [honest, early, skewed] = peers;
    if (honest === undefined || early === undefined || skewed === undefined)
      throw new Error('three peers joined');
    honest.driver.start();
    await swarm.scheduler.advance(2_000 + 100);
    const reveals = [early, skewed].map((peer) => ({ peer, set: answerOf(peer) }));
    const revealBy = async (index: number, round = 1): Promise<void> => {
      const reveal = reveals[index];
      if (reveal === undefined) throw new Error('There are two reveals.');
      const { cid } = encodeRollouts(reveal.set);
      await reveal.peer.gossip.publish({
        type: 'reveal',
        round,
        body: { salt: SALT, cid, rollouts: reveal.set },
      });
      await swarm.scheduler.advance(50);
    };
    for (const { peer, set } of reveals) {
      const digest = commitmentOf(SALT, peer.key.address, encodeRollouts(set).cid);
      await peer.gossip.publish({ type: 'commit', round: 1, body: { digest } });
    }
    await swarm.scheduler.advance(4_500);
    await revealBy(0);
    await revealBy(0, 2);
    expect(honest.gossip.rejected.snapshot()).toEqual({ 'wrong-stage': 2 });
    // A clock that is 450 ms ahead reveals at 5,300 of its own time.
    await swarm.scheduler.advance(150);
    await revealBy(1);
    await swarm.scheduler.advance(4_000);
    expect(honest.gossip.rejected.snapshot()).toEqual({ 'wrong-stage': 2 });
    const heard = honest.of('answers').filter(({ own }) => !own);
    expect(heard.map(({ author }) => author)).toEqual([skewed.key.address]);
  });

  it('[P-76] [P-85] trains on a known device and votes for it, though strangers answer first with many keys', async () => {
    const { swarm, peers } = await greeted('honest', 'known');
    const [honest, known] = peers;
    if (honest === undefined || known === undefined) throw new Error('two peers joined');
    swarm.standings.set(known.key.address, { kind: 'known' });
    const strangers = Array.from({ length: 4 }, (_, n) => swarm.join(`stranger ${n}`, { answerMs: 500 }));
    await swarm.scheduler.advance(1_500);
    for (const { driver } of [...strangers, honest, known]) driver.start();
    await swarm.scheduler.advance(500 + ROUND_MS);
    const [trained] = honest.trainer.trained;
    const authorOf = new Map(honest.of('answers').map(({ cid, author }) => [cid, author]));
    const authors = trained?.cids.map((cid) => authorOf.get(cid)) ?? [];
    // Own answers, those of the known device, and one stranger's.
    expect(authors).toHaveLength(3);
    expect(authors).toContain(known.key.address);
    const [vote] = honest.of('votes').filter(({ own }) => own);
    const judged = honest.of('critiques').find(({ own }) => own);
    expect(judged?.judgements.map(({ author }) => author)).toContain(known.key.address);
    const selected = new Set([...authors, ...(judged?.judgements.map(({ author }) => author) ?? [])]);
    for (const { author } of vote?.ballots ?? []) expect(selected).toContain(author);
    expect(vote?.ballots.length).toBeGreaterThan(0);
  });

  it('[P-72] accepts a commit of the next round in the last 2 s of the vote stage', async () => {
    const { swarm, peers } = await greeted('honest', 'early');
    const [honest, early] = peers;
    if (honest === undefined || early === undefined) throw new Error('two peers joined');
    honest.driver.start();
    await swarm.scheduler.advance(2_000 + ROUND_MS - 2_100);
    const { cid } = encodeRollouts(answerOf(early));
    const digest = commitmentOf(SALT, early.key.address, cid);
    await early.gossip.publish({ type: 'commit', round: 2, body: { digest } });
    await swarm.scheduler.advance(50);
    expect(honest.gossip.rejected.snapshot()).toEqual({ 'wrong-stage': 1 });

    const later = swarm.join('later', {});
    await swarm.scheduler.advance(1_500);
    const otherDigest = commitmentOf(SALT, later.key.address, cid);
    await later.gossip.publish({ type: 'commit', round: 2, body: { digest: otherDigest } });
    await swarm.scheduler.advance(100);
    expect(honest.gossip.rejected.snapshot()).toEqual({ 'wrong-stage': 1 });
  });

  it('[P-77] rejects a critique during the answer stage, and one of the next round', async () => {
    const { swarm, peers } = await greeted('honest', 'early');
    const [honest, early] = peers;
    if (honest === undefined || early === undefined) throw new Error('two peers joined');
    honest.driver.start();
    await swarm.scheduler.advance(2_000 + 100);
    for (const round of [1, 2])
      await early.gossip.publish({ type: 'critique', round, body: { judgements: [] } });
    await swarm.scheduler.advance(100);
    expect(honest.gossip.rejected.snapshot()).toEqual({ 'wrong-stage': 2 });
    expect(honest.of('critiques')).toEqual([]);
  });

  it('[P-45] [P-78] votes with the authors of its ballots, each once, in ascending order', async () => {
    const { swarm, peers } = await greeted('a', 'b');
    const [a, b] = peers;
    if (a === undefined || b === undefined) throw new Error('two peers joined');
    const [low, high]: readonly Hex[] = [`0x${'11'.repeat(20)}`, `0x${'ee'.repeat(20)}`];
    if (low === undefined || high === undefined) throw new Error('There are two authors.');
    a.trainer.vote = async () => ({
      ballots: [high, low, high].map((author, item) => ({ item, author, sample: 0 })),
      corrections: [],
    });
    a.driver.start();
    b.driver.start();
    await swarm.scheduler.advance(2_000 + 14_000);
    const received = b.of('votes').filter(({ own }) => !own);
    expect(received.map(({ winners }) => winners)).toEqual([[low, high]]);
    expect(received[0]?.ballots).toHaveLength(3);
    expect(b.gossip.rejected.snapshot()).toEqual({});
  });

  it('[P-47] rejects an attestation whose digest is not that of its rollouts', async () => {
    const { swarm, peers } = await greeted('honest', 'liar');
    const [honest, liar] = peers;
    if (honest === undefined || liar === undefined) throw new Error('two peers joined');
    honest.driver.start();
    await swarm.scheduler.advance(2_000 + 100);
    const sample = sampleMessages.find(({ type }) => type === 'attest');
    if (sample?.type !== 'attest') throw new Error('There is an attest sample.');
    const { checkpointRoot } = sample.body;
    const rolloutDigest = checkpointRoot;
    expect(digestInCid(sample.body.rollouts)).not.toBe(rolloutDigest);
    const { signature } = await liar.ledger.signAttestation({ round: 1, checkpointRoot, rolloutDigest });
    const body = { ...sample.body, rolloutDigest, signature };
    await liar.gossip.publish({ type: 'attest', round: 1, body });
    await swarm.scheduler.advance(2_000);
    expect(honest.gossip.rejected.snapshot()).toEqual({ malformed: 1 });
    expect(honest.of('attested')).toEqual([]);
  });

  it('[P-43] fetches by CID what is too large to travel in a reveal', async () => {
    const swarm = new SimulatedSwarm();
    const long = 'x'.repeat(14_000);
    const names = ['a', 'b'];
    const peers = names.map((name) =>
      swarm.join(name, { answerMs: 1_500, text: ({ device }, i) => `${device}${i}${long}` }),
    );
    await swarm.scheduler.advance(LEAD);
    for (const { driver } of peers) driver.start();
    await swarm.scheduler.advance(2_000 + ROUND_MS);
    for (const { trainer } of peers) expect(trainer.trained[0]?.cids).toHaveLength(2);
  });

  it('pauses with the cause after five failures in a row and goes on after resume', async () => {
    const swarm = new SimulatedSwarm();
    let broken = true;
    const peer = swarm.join('a', {
      answerMs: 1_500,
      beforeTraining: () => {
        if (broken) throw new Error('The disk is full.');
      },
    });
    await swarm.scheduler.advance(LEAD);
    peer.driver.start();
    await swarm.scheduler.advance(2_000 + 5 * ROUND_MS);
    expect(peer.of('failed').map(({ inARow }) => inARow)).toEqual([1, 2, 3, 4, 5]);
    expect(peer.driver.state).toBe('paused');
    expect(peer.driver.sentence).toBe('Paused after 5 failures in a row: The disk is full.');
    broken = false;
    peer.driver.resume();
    await swarm.scheduler.advance(2 * ROUND_MS);
    expect(peer.trainer.trained.length).toBeGreaterThan(0);
  });

  it('pauses at once, gives up the round and joins a later one', async () => {
    const { swarm, peers } = await greeted('a');
    const [a] = peers;
    a?.driver.start();
    await swarm.scheduler.advance(2_000 + 500);
    a?.driver.pause('Paused: on battery.');
    await swarm.scheduler.advance(10);
    expect(a?.driver.state).toBe('paused');
    expect(a?.driver.sentence).toBe('Paused: on battery.');
    await swarm.scheduler.advance(2 * ROUND_MS);
    a?.driver.resume();
    await swarm.scheduler.advance(2 * ROUND_MS);
    expect(a?.trainer.trained.map(({ round }) => round)).toEqual([3, 4]);
    expect(a?.of('failed')).toEqual([]);
  });

  it('stays for the ack of its last round, so that finishing does not hide that others kept it', async () => {
    const { swarm, peers } = await greeted('a', 'b');
    const [a, b] = peers;
    if (a === undefined || b === undefined) throw new Error('two peers joined');
    a.driver.start();
    b.driver.start();
    await swarm.scheduler.advance(2_000 + 6_000);
    const stopped = a.driver.finishThenStop();
    await swarm.scheduler.advance(ROUND_MS);
    await stopped;
    expect(a.of('sent').map(({ round }) => round)).toEqual([1]);
    expect(a.of('accepted').map(({ round, strangers }) => [round, strangers])).toEqual([[1, 1]]);
    const [sent] = a.of('sent');
    expect(sent?.body.conformance).toEqual({
      verdict: 'untested',
      detail: '',
      suite: `0x${'00'.repeat(32)}`,
    });
    const end = b.driver.stop();
    await swarm.scheduler.advance(10);
    await end;
  });

  it('finishes the round before it stops, and leaves no timer of its own', async () => {
    const { swarm, peers } = await greeted('a');
    const [a] = peers;
    if (a === undefined) throw new Error('one peer joined');
    const before = swarm.scheduler.pending;
    a.driver.start();
    await swarm.scheduler.advance(2_000 + 6_000);
    const stopped = a.driver.finishThenStop();
    expect(a.driver.state).toBe('finishing');
    await swarm.scheduler.advance(ROUND_MS);
    await stopped;
    expect(a.driver.state).toBe('stopped');
    expect(a.of('sent').map(({ round }) => round)).toEqual([1]);
    expect(swarm.scheduler.pending).toBe(before);
    a.driver.start();
    await swarm.scheduler.advance(2 * ROUND_MS);
    expect(a.of('sent').map(({ round }) => round)).toEqual([1, 3]);
    const again = a.driver.stop();
    await swarm.scheduler.advance(10);
    await again;
  });
});

/** A rollout set of the peer's that nobody has seen yet. */
function answerOf({ trainer, key }: SimulatedPeer): RolloutSet {
  const completions = [{ text: key.address, tokens: [1], logprobs: [-0.5] }];
  return { author: key.address, modelRoot: trainer.root, groups: [{ item: 0, completions }] };
}
