import { allCohorts } from './cohort-path.ts';
import type { Cohorts } from './cohorts.ts';
import type { TopicName } from './messages/message-types.ts';
import type { Place } from './messages/validator.ts';
import { cohortTopic, topicsOf } from './network-id.ts';
import type { Disposition, PubSub } from './pubsub.ts';
import { every, type Scheduler } from './scheduler.ts';

export interface CohortSubscriptionsOptions {
  readonly pubsub: PubSub;
  readonly networkId: string;
  /** The own cohort; every cohort that a neighbour follows; or none besides the whole network. */
  readonly cohorts: Cohorts | 'every' | undefined;
  /** Topics of the whole network to join. */
  readonly names: readonly TopicName[];
  readonly scheduler: Scheduler;
  readonly check: (bytes: Uint8Array, place: Place, source: string) => Promise<Disposition>;
}

/** Milliseconds between two looks at which cohorts to listen to. */
const LOOK_MS = 1_000;
/** Topics that a device leaves while the whole swarm is neither its cohort nor the one around it. */
const OF_COHORTS: ReadonlySet<TopicName> = new Set(['rounds', 'attestations']);
const EVERY_COHORT = allCohorts();

/** Joins and leaves topics as the own cohort changes, or as neighbours follow cohorts. */
export class CohortSubscriptions {
  readonly #options: CohortSubscriptionsOptions;
  /** How to leave a topic, by its name. */
  readonly #joined = new Map<string, () => void>();
  readonly #cancel: () => void;

  constructor(options: CohortSubscriptionsOptions) {
    this.#options = options;
    const { cohorts, scheduler } = options;
    this.#follow();
    this.#cancel =
      cohorts === undefined
        ? () => undefined
        : every(scheduler, LOOK_MS, () => {
            if (cohorts !== 'every') cohorts.decide();
            this.#follow();
          });
  }

  stop(): void {
    this.#cancel();
    for (const leave of this.#joined.values()) leave();
    this.#joined.clear();
  }

  #follow(): void {
    const { networkId, names, cohorts, pubsub, check } = this.#options;
    const topics = topicsOf(networkId);
    const wanted = new Map<string, Place>();
    const paths = this.#paths();
    for (const name of names)
      if (paths.has('') || cohorts === 'every' || !OF_COHORTS.has(name)) wanted.set(topics[name], name);
    for (const cohort of paths) if (cohort !== '') wanted.set(cohortTopic(networkId, cohort), { cohort });
    for (const [topic, place] of wanted)
      if (!this.#joined.has(topic))
        this.#joined.set(
          topic,
          pubsub.join(topic, (bytes, source) => check(bytes, place, source)),
        );
    for (const [topic, leave] of this.#joined) {
      if (wanted.has(topic)) continue;
      leave();
      this.#joined.delete(topic);
    }
  }

  #paths(): ReadonlySet<string> {
    const { networkId, cohorts, pubsub } = this.#options;
    const isFollowed = (cohort: string): boolean => pubsub.isFollowed(cohortTopic(networkId, cohort));
    if (cohorts === undefined) return new Set(['']);
    return cohorts === 'every'
      ? new Set(['', ...EVERY_COHORT.filter(isFollowed)])
      : cohorts.followed(isFollowed);
  }
}
