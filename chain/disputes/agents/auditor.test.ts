import type { Address } from 'viem';
import { expect, it } from 'vitest';
import { termsHash } from '../../../protocol/slot-encoding.ts';
import { verifyRun } from '../../../protocol/verified-run.ts';
import type { Move, Played, PortOptions } from '../port.ts';
import { ReferenceDisputes } from '../reference-game/reference-disputes.ts';
import { ReferencePort, type ReferencePortOptions } from '../reference-game/reference-port.ts';
import { SAMPLE_JUDGE } from '../testing/sample-judge.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { Auditor } from './auditor.ts';
import type { DisputeEvent } from './dispute-event.ts';
import { RunCache } from './run-cache.ts';

const LIAR: Address = `0x${'52'.repeat(20)}`;
const AUDITOR: Address = `0x${'53'.repeat(20)}`;
const SETTINGS = { window: 1800, stepSeconds: 600, budget: 5400, extension: 600, moveBond: 1000n };

/** A port whose challenges are on the chain two looks before their sender has the receipt. */
class SlowPort extends ReferencePort {
  readonly #gamesWereRead: () => Promise<void>;
  reads = 0;

  constructor(options: ReferencePortOptions, gamesWereRead: (port: SlowPort) => Promise<void>) {
    super(options);
    this.#gamesWereRead = () => gamesWereRead(this);
  }

  override games(since: number) {
    this.reads++;
    return super.games(since);
  }

  override async play(move: Move, { signal }: PortOptions = {}): Promise<Played> {
    const played = await super.play(move);
    if (move.kind !== 'challenge') return played;
    await this.#gamesWereRead();
    return signal?.aborted === true ? { kind: 'unknown' } : played;
  }
}

it('an auditor tells of its challenge, though the chain shows the game before the receipt', async () => {
  const run = sampleRun();
  const terms = termsHash(run.terms);
  const disputes = new ReferenceDisputes({ settings: SETTINGS, judge: SAMPLE_JUDGE });
  const clock = (): number => 1_800_000_000;
  const liar = new ReferencePort({ disputes, me: LIAR, clock });
  const { claim: bond } = await liar.bonds(run.terms);
  await liar.play({ kind: 'claim', terms: run.terms, root: `0x${'aa'.repeat(32)}`, bond });

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const port = new SlowPort({ disputes, me: AUDITOR, clock }, async (slow) => {
    const seen = slow.reads;
    while (slow.reads < seen + 3) await turn();
  });
  const events: DisputeEvent[] = [];
  const auditor = new Auditor({
    port,
    runs: new RunCache(async (hash) => (hash === terms ? verifyRun(run, hash) : undefined)),
    onEvent: (event) => events.push(event),
    sleep: turn,
  });
  auditor.start();
  await expect.poll(() => events.map(({ kind }) => kind)).toContain('challenged');
  await auditor.stop();
  expect(events.filter(({ kind }) => kind === 'challenged')).toEqual([
    { kind: 'challenged', claim: 0, game: 0 },
  ]);
  expect(await port.games(0)).toHaveLength(1);
});
