/**
 * A false claim among 1,000 claims that a stranger makes to keep auditors busy, and behind 1,000 descriptions
 * of huge runs. The real auditor, search and engine play on the reference game: a chain takes minutes to make
 * that many claims.
 */
import type { Address } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlanSearch } from '../../audit/plan-search.ts';
import { planRun, type RunPlan } from '../../audit/run-plan.ts';
import { encodeRunSpec, parseRunSpec, type RunSpec, runSpecFields } from '../../audit/run-spec.ts';
import { Auditor } from '../../chain/disputes/agents/auditor.ts';
import type { DisputeEvent } from '../../chain/disputes/agents/dispute-event.ts';
import { RunCache } from '../../chain/disputes/agents/run-cache.ts';
import { ReferenceDisputes } from '../../chain/disputes/reference-game/reference-disputes.ts';
import { ReferencePort } from '../../chain/disputes/reference-game/reference-port.ts';
import { SAMPLE_JUDGE } from '../../chain/disputes/testing/sample-judge.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import type { Checkpoint } from '../../models/decoder/checkpoint.ts';
import { openMemoryDirectory } from '../../models/storage/memory-directory.ts';
import type { Terms } from '../../protocol/evidence.ts';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import { PlanThreads } from './plan-thread.ts';
import { evidenceOfRuns } from './run-evidence.ts';
import { nanoStart, supervisedSpec } from './testing/nano.ts';

const SETTINGS = { window: 120, stepSeconds: 1, budget: 600, extension: 60, moveBond: 1000n };
const COUNT = 1000;
const STRANGER: Address = `0x${'51'.repeat(20)}`;
const LIAR: Address = `0x${'52'.repeat(20)}`;
const AUDITOR: Address = `0x${'53'.repeat(20)}`;

interface Published {
  readonly digest: Hex;
  readonly bytes: Uint8Array;
}

describe('an auditor among the claims of a stranger', () => {
  let start: Checkpoint;
  let spec: RunSpec;
  let terms: Terms;
  const planners = new PlanThreads();

  beforeAll(async () => {
    start = await nanoStart();
    spec = supervisedSpec(start);
    terms = planRun(spec).terms;
  });
  afterAll(() => planners.stop());

  const published = (each: RunSpec): Published => {
    const bytes = encodeRunSpec(each);
    return { digest: toHex(sha256Of(bytes)), bytes };
  };
  /** Runs of `steps` steps, each with another seed. */
  const runsOf = (count: number, steps: number, rows: number): Published[] =>
    Array.from({ length: count }, (_, i) =>
      published(
        parseRunSpec({
          ...runSpecFields(spec),
          ...{ steps, seed: `0x${(i + 1).toString(16).padStart(64, '0')}` },
          work: { kind: 'supervised', rows, length: 64 },
        }),
      ),
    );
  const junkTerms = (i: number): Terms => ({ ...terms, data: toHex(sha256Of(Uint8Array.of(i >> 8, i))) });

  /**
   * The reference game with so many junk claims and then the lie, and what the real auditor did in a look.
   */
  async function audit(
    log: (run: Hex) => readonly Published[],
    stakes: ReadonlyMap<number, bigint> = new Map(),
  ) {
    const disputes = new ReferenceDisputes({ settings: SETTINGS, judge: SAMPLE_JUDGE });
    const now = 1_800_000_000;
    const portOf = (me: Address) => new ReferencePort({ disputes, me, clock: () => now });
    const claim = async (me: Address, claimed: Terms): Promise<void> => {
      const { claim: bond } = await portOf(me).bonds(claimed);
      await portOf(me).play({ kind: 'claim', terms: claimed, root: `0x${'aa'.repeat(32)}`, bond });
    };
    for (let i = 0; i < COUNT; i++) await claim(STRANGER, junkTerms(i));
    await claim(LIAR, terms);
    const planned: Uint8Array[] = [];
    const search = new PlanSearch<RunPlan>({
      plan: (bytes, asked) => {
        planned.push(bytes);
        return planners.plan(bytes, asked);
      },
      maxSteps: 10_000,
      now: () => performance.now(),
    });
    const { find, price } = evidenceOfRuns({
      search,
      sources: [
        {
          specs: async (run, { wants }) =>
            log(run)
              .filter(({ digest }) => wants(digest))
              .slice(0, 256)
              .map(({ bytes }) => bytes),
          checkpoint: () => Promise.resolve(undefined),
        },
      ],
      known: () => Promise.resolve(start),
      openEngine: () => createWasmEngine({ threads: 1 }),
      folder: () => Promise.resolve(openMemoryDirectory()),
    });
    const stop = new AbortController();
    const started = performance.now();
    let seconds = Number.POSITIVE_INFINITY;
    const onEvent = (event: DisputeEvent): void => {
      if (event.kind !== 'challenged') return;
      seconds = (performance.now() - started) / 1000;
      stop.abort();
    };
    const auditor = new Auditor({
      ...{ port: portOf(AUDITOR), runs: new RunCache(find, price), onEvent },
      stakes: () => Promise.resolve(stakes),
    });
    await auditor.tick(AbortSignal.any([stop.signal, AbortSignal.timeout(SETTINGS.window * 1000)]));
    return { seconds, planned, challenged: (await portOf(AUDITOR).games(0)).map((game) => game.claim) };
  }

  it('challenges a lie within its window behind 1,000 claims with 1,000 descriptions of huge runs', async () => {
    const bombs = [...runsOf(COUNT / 2, 65_536, 4), ...runsOf(COUNT / 2, 4096, 64)];
    const right = published(spec);
    const log = (run: Hex): readonly Published[] => (run === termsHash(terms) ? [...bombs, right] : bombs);
    const { seconds, planned, challenged } = await audit(log);
    expect(challenged).toEqual([COUNT]);
    expect(seconds).toBeLessThan(SETTINGS.window);
    expect(planned).toEqual([right.bytes]);
  });

  it('challenges a lie behind a paid job before claims whose descriptions may all be planned', async () => {
    // Each of these is cheaper than the window, and dearer than nothing: together they exceed it many times.
    const dear = runsOf(COUNT, 100, 1);
    const own = new Map(dear.map((each, i) => [termsHash(junkTerms(i)), [each]] as const));
    const right = published(spec);
    const log = (run: Hex): readonly Published[] => own.get(run) ?? [right];
    const { seconds, planned, challenged } = await audit(log, new Map([[COUNT, 10n ** 18n]]));
    expect(challenged).toEqual([COUNT]);
    expect(seconds).toBeLessThan(SETTINGS.window);
    // The other lanes went on with cheap ones meanwhile.
    expect(planned.length).toBeLessThan(COUNT / 4);
  });
});
