/**
 * From the start of a tab's node to its first direct connection, with a tab that is there already and that it
 * finds through a relay, beside a bare data channel whose descriptions this process carries.
 */
import '../swarm/node20.ts';
import { type Benchmark, compared } from './benchmark.ts';
import { median } from './median.ts';
import { connectBare, startBenchTabs } from './tabs/bench-tabs.ts';

/** Newcomers, after one that warms up. */
const NEWCOMERS = 7;

export const connection: Benchmark = {
  name: 'connection',
  async *run({ signal }) {
    const tabs = await startBenchTabs();
    try {
      const there = await tabs.open();
      const peerId = await tabs.start(there);
      const times = { own: [] as number[], bare: [] as number[] };
      for (let n = 0; n <= NEWCOMERS; n++) {
        signal.throwIfAborted();
        const [newcomer, other] = [await tabs.open(), await tabs.open()];
        await tabs.start(newcomer);
        const own = await newcomer.evaluate((id) => window.benchTab.untilDirect(id), peerId);
        const start = performance.now();
        await connectBare(newcomer, other, 0);
        const bare = performance.now() - start;
        if (n > 0) {
          times.own.push(own);
          times.bare.push(bare);
        }
        await newcomer.context().close();
        await other.context().close();
      }
      yield compared('connection/first-direct', 'ms', median(times.own), {
        name: 'a bare data channel with its descriptions carried by hand',
        value: median(times.bare),
      });
    } finally {
      await tabs.stop();
    }
  },
};
