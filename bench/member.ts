/**
 * What a round costs a member of a swarm of twelve, by the real round and gossip code on simulated time,
 * beside a budget: docs/results/scale.md has more sizes.
 */
import { measure } from '../swarm/scale/measure.ts';
import { type Benchmark, compared } from './benchmark.ts';

const MEMBERS = 12;
const ROUNDS = 3;
/** Of the line of a home: a tenth of 8 Mbit/s, over a round of 20 s. */
const BUDGET_KIB = 1953;
/** Of one core: one part in a hundred, over a round of 20 s. */
const BUDGET_MS = 200;

export const member: Benchmark = {
  name: 'member',
  async *run() {
    const { figures } = await measure({
      peers: MEMBERS,
      rounds: ROUNDS,
      gossip: 'gossipsub',
      checks: 'each',
    });
    yield compared(`member/round/${MEMBERS}-members/bytes`, 'KiB', figures.bytesPerMember / 1024, {
      name: 'budget: a tenth of 8 Mbit/s',
      value: BUDGET_KIB,
    });
    yield compared(`member/round/${MEMBERS}-members/cpu`, 'ms', figures.cpuMsPerMember, {
      name: 'budget: 1 % of a core',
      value: BUDGET_MS,
    });
  },
};
