/**
 * How long a boundary of a pipeline takes from one tab to another at a given round trip, until one byte comes
 * back: a striped channel beside one plain data channel, as a libp2p stream is, over the same delay line.
 */
import { CONNECTIONS } from '../swarm/striping/connect.ts';
import { startTwoPages } from '../swarm/testing/two-pages.ts';
import { type Benchmark, compared } from './benchmark.ts';
import { delayLine } from './hops/delay-line.ts';
import { median } from './median.ts';

const KIB = 1024;
/** Milliseconds of a round trip, and the sizes in bytes that are sent at it. */
const CASES: readonly { readonly roundTrip: number; readonly sizes: readonly number[] }[] = [
  { roundTrip: 50, sizes: [8 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB] },
  { roundTrip: 100, sizes: [8 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB] },
];
const REPEATS = 7;
/** The first messages open the congestion windows and are not counted. */
const WARM_UP = 2;

export const hops: Benchmark = {
  name: 'hops',
  async *run({ signal }) {
    for (const { roundTrip, sizes } of CASES) {
      const line = delayLine(roundTrip);
      const pages = [];
      try {
        const measured: { readonly striped: number[]; readonly plain: number[] }[] = [];
        const [striped, plain] = [await startTwoPages(line), await startTwoPages(line)];
        pages.push(striped, plain);
        await striped.connect(CONNECTIONS);
        await plain.connect(0);
        for (const size of sizes) {
          const times = { striped: [] as number[], plain: [] as number[] };
          for (let n = 0; n < WARM_UP + REPEATS; n++) {
            signal.throwIfAborted();
            for (const [kind, pair] of [
              ['striped', striped],
              ['plain', plain],
            ] as const) {
              const answered = pair.accepting.evaluate(() => window.stripingTest.answer(1));
              const ms = await pair.offering.evaluate((bytes) => window.stripingTest.time(bytes), size);
              await answered;
              if (n >= WARM_UP) times[kind].push(ms);
            }
          }
          measured.push(times);
        }
        for (const [i, times] of measured.entries()) {
          const size = (sizes[i] ?? 0) / KIB;
          yield compared(`hops/${roundTrip}-ms/${size}-KiB`, 'ms', median(times.striped), {
            name: 'one ordered data channel with messages of 16 KiB, as a libp2p stream',
            value: median(times.plain),
          });
        }
      } finally {
        for (const pair of pages) await pair.stop();
        line.stop();
      }
    }
  },
};
