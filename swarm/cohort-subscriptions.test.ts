import { describe, expect, it } from 'vitest';
import { CohortSubscriptions } from './cohort-subscriptions.ts';
import { Cohorts } from './cohorts.ts';
import { TOPIC_NAMES } from './messages/message-types.ts';
import { cohortTopic, topicsOf } from './network-id.ts';
import { SimulatedScheduler } from './testing/simulated-scheduler.ts';

const networkId = 'simulated:1';
const topics = topicsOf(networkId);

/** What a device joins while its neighbours follow some topics. */
function follow(cohortsOver: (scheduler: SimulatedScheduler) => Cohorts | 'every' | undefined) {
  const scheduler = new SimulatedScheduler();
  const joined = new Set<string>();
  const followed = new Set<string>();
  const cohorts = cohortsOver(scheduler);
  const subscriptions = new CohortSubscriptions({
    pubsub: {
      publish: async () => undefined,
      join: (topic) => {
        joined.add(topic);
        return () => joined.delete(topic);
      },
      blame: () => undefined,
      isFollowed: (topic) => followed.has(topic),
    },
    networkId,
    cohorts,
    names: TOPIC_NAMES,
    scheduler,
    check: async () => 'accept',
  });
  return { scheduler, joined, followed, cohorts, subscriptions };
}

describe('CohortSubscriptions', () => {
  it('[P-22] joins the four topics of the network and no others where there are no cohorts', async () => {
    const { scheduler, joined, subscriptions } = follow(() => undefined);
    await scheduler.advance(5_000);
    expect([...joined].sort()).toEqual(Object.values(topics).sort());
    subscriptions.stop();
    expect(joined.size).toBe(0);
  });

  it('[P-192] leaves the rounds of the whole network when its cohort is a quarter of it', async () => {
    const publicKey = new Uint8Array(33).fill(2);
    const { scheduler, joined, cohorts } = follow(
      (time) => new Cohorts({ networkId, publicKey, scheduler: time, level: 2 }),
    );
    await scheduler.advance(1_000);
    const own = cohorts instanceof Cohorts ? cohorts.own : '';
    expect(own).toHaveLength(2);
    expect([...joined].sort()).toEqual(
      [
        topics.presence,
        topics.pipeline,
        cohortTopic(networkId, own),
        cohortTopic(networkId, own.slice(0, 1)),
      ].sort(),
    );
  });

  it('[P-198] joins every cohort that a neighbour follows, for a relay or an archive, as long as it does', async () => {
    const { scheduler, joined, followed } = follow(() => 'every');
    const cohort = cohortTopic(networkId, '0110');
    expect(joined.has(cohort)).toBe(false);
    followed.add(cohort);
    await scheduler.advance(1_000);
    expect([...joined].sort()).toEqual([...Object.values(topics), cohort].sort());
    followed.delete(cohort);
    await scheduler.advance(1_000);
    expect(joined.has(cohort)).toBe(false);
  });
});
