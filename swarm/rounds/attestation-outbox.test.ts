import { describe, expect, it } from 'vitest';
import type { Content } from '../content/content.ts';
import { ContentError } from '../content/content-error.ts';
import type { PubSub } from '../pubsub.ts';
import { memoryStoreOfAttestations } from '../testing/attestation-store.ts';
import { ROUND_MS } from '../testing/simulated-ledger.ts';
import { SimulatedSwarm } from '../testing/simulated-swarm.ts';

/** A pubsub that loses what is published while `isLost` says so. */
function losing(pubsub: PubSub, isLost: () => boolean): PubSub {
  return { ...pubsub, publish: async (topic, data) => (isLost() ? undefined : pubsub.publish(topic, data)) };
}

describe('AttestationOutbox', () => {
  it('[P-206] sends an attestation again until somebody acknowledges it, and then no more', async () => {
    const swarm = new SimulatedSwarm();
    let lost = false;
    const pubsub = losing(swarm.bus.pubsub('alone'), () => lost);
    const alone = swarm.join('alone', { ground: { pubsub } });
    const other = swarm.join('other');
    const heard: number[] = [];
    other.gossip.onMessage(({ type, author }) => {
      if (type === 'attest' && author === alone.key.address) heard.push(swarm.scheduler.now());
    });
    for (const { driver } of [alone, other]) driver.start();
    // Votes are cast from second 13 on, and training takes 2 s.
    await swarm.scheduler.advance(13_500);
    lost = true;
    await swarm.scheduler.advance(5_000);
    expect(alone.of('sent')).toHaveLength(1);
    expect([heard, alone.of('accepted')]).toEqual([[], []]);
    lost = false;
    await swarm.scheduler.advance(6_000);
    expect(heard).toHaveLength(1);
    expect(alone.of('accepted').map(({ round }) => round)).toEqual([0]);
    await alone.driver.stop();
    await swarm.scheduler.advance(2 * ROUND_MS);
    expect(heard).toHaveLength(1);
    await other.driver.stop();
  });

  it('[P-206] sends what an earlier process left, with the same root, and nothing that is stale', async () => {
    const swarm = new SimulatedSwarm();
    const store = memoryStoreOfAttestations();
    const gone = swarm.join('gone', {
      attestations: store,
      ground: { pubsub: losing(swarm.bus.pubsub('gone'), () => swarm.scheduler.now() > 13_500) },
    });
    const other = swarm.join('other');
    for (const { driver } of [gone, other]) driver.start();
    await swarm.scheduler.advance(18_000);
    const [sent] = gone.of('sent');
    await gone.driver.stop();
    expect(other.of('attested')).toEqual([]);

    const again = swarm.join('gone', { attestations: store });
    again.driver.start();
    await swarm.scheduler.advance(10_000);
    expect(other.of('attested').map(({ message }) => message.body.checkpointRoot)).toEqual([
      sent?.checkpointRoot,
    ]);
    expect(again.of('accepted').map(({ round }) => round)).toEqual([0]);
    expect(await store.read()).toEqual([]);
    await again.driver.stop();

    if (sent === undefined) throw new Error('The first process attested its round.');
    await store.write([{ round: 0, body: sent.body }]);
    await swarm.scheduler.advance(3 * ROUND_MS);
    const late = swarm.join('late', { attestations: store });
    late.driver.start();
    await swarm.scheduler.advance(9_000);
    expect(other.of('attested').filter(({ message }) => message.author === late.key.address)).toEqual([]);
    for (const { driver } of [late, other]) await driver.stop();
  });

  it('[P-206] gives the set again that an earlier process had, so that who missed the reveal acknowledges', async () => {
    const swarm = new SimulatedSwarm();
    const store = memoryStoreOfAttestations();
    let mine = new Map<string, Uint8Array>();
    const everybodys = swarm.content();
    /** What a process has ends with it. */
    const ownContent = (): Content => {
      const own = new Map<string, Uint8Array>();
      mine = own;
      const publishObject = async (bytes: Uint8Array) => {
        const cid = await everybodys.publishObject(bytes);
        own.set(cid, bytes);
        return cid;
      };
      return { ...everybodys, publishObject };
    };
    const fromAuthor: Content = {
      ...everybodys,
      async fetchObject(cid) {
        const bytes = mine.get(cid);
        if (bytes === undefined) throw new ContentError(`Nobody has ${cid}.`);
        return bytes;
      },
    };
    const gone = swarm.join('gone', { attestations: store, ground: { content: ownContent() } });
    gone.driver.start();
    // The other one comes in after the reveal, and hears the attestation.
    await swarm.scheduler.advance(13_500);
    const other = swarm.join('other', { ground: { content: fromAuthor } });
    other.driver.start();
    mine = new Map();
    await swarm.scheduler.advance(3_000);
    await gone.driver.stop();
    expect(other.of('attested')).toHaveLength(1);
    expect(gone.of('accepted')).toEqual([]);

    const again = swarm.join('gone', { attestations: store, ground: { content: ownContent() } });
    again.driver.start();
    await swarm.scheduler.advance(10_000);
    expect(again.of('accepted').map(({ round }) => round)).toEqual([0]);
    expect(await store.read()).toEqual([]);
    for (const { driver } of [again, other]) await driver.stop();
  });
});
