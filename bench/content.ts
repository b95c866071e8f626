/**
 * How fast a file goes from tab to tab by its CID, into the receiver's storage with every chunk verified,
 * beside a bare data channel between two pages of the same browser that drops what comes.
 */
import '../swarm/node20.ts';
import { type Benchmark, compared } from './benchmark.ts';
import { median } from './median.ts';
import { connectBare, startBenchTabs } from './tabs/bench-tabs.ts';
import type { FetchTimes } from './tabs/page.ts';

const BYTES = 100_000_000;
/** Turns that count. Each lies between two of the bare channel, whose mean it is compared with. */
const TURNS = 7;

/** What one turn took, in ms. */
interface Turn extends FetchTimes {
  readonly bare: number;
}

export const content: Benchmark = {
  name: 'content',
  async *run({ signal, note }) {
    const tabs = await startBenchTabs();
    try {
      const [giver, taker] = [await tabs.open(), await tabs.open()];
      const peerId = await tabs.start(giver);
      await tabs.start(taker);
      await taker.evaluate((id) => window.benchTab.untilDirect(id), peerId);
      await connectBare(taker, giver, BYTES);
      const file = await giver.evaluate((bytes) => window.benchTab.give(bytes), BYTES);
      const bare = (): Promise<number> =>
        taker.evaluate((bytes) => window.benchTab.bare.receive(bytes), BYTES);
      const turns: Turn[] = [];
      let before = await bare();
      for (let turn = 0; turn <= TURNS; turn++) {
        signal.throwIfAborted();
        const ours = await taker.evaluate(([from, of]) => window.benchTab.fetch(of, from), [
          peerId,
          file,
        ] as const);
        const after = await bare();
        // The first one warms up.
        if (turn > 0) turns.push({ ...ours, bare: (before + after) / 2 });
        before = after;
      }
      for (const part of ['chunks', 'whole'] as const) {
        const ratios = turns.map((each) => each.bare / each[part]).sort((a, b) => a - b);
        // With seven turns the median lies between the least and the most in 98 of 100 runs.
        note(`${part}: ratio of each turn ${ratios.map((each) => each.toFixed(2)).join(', ')}`);
        const measured = compared(
          `content/100-MB/${part}`,
          'MB/s',
          rate(median(turns.map((each) => each[part]))),
          {
            name: 'a bare data channel that drops what comes',
            value: rate(median(turns.map((each) => each.bare))),
          },
        );
        // Turns are compared one by one, since what else the machine does changes from turn to turn.
        yield { ...measured, ratio: median(ratios) };
      }
    } finally {
      await tabs.stop();
    }
  },
};

/** MB/s. */
function rate(ms: number): number {
  return BYTES / 1000 / ms;
}
