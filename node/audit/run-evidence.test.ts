import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitRun } from '../../audit/commit-run.ts';
import { PlanSearch } from '../../audit/plan-search.ts';
import { planRun, type RunPlan } from '../../audit/run-plan.ts';
import { encodeRunSpec, type RunSpec, runSpecFields } from '../../audit/run-spec.ts';
import { inconsistencyOf } from '../../chain/disputes/evidence-check.ts';
import { OPERATOR_NAMES } from '../../chain/disputes/operator-names.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { JUDGE_DRAW, OPERATORS } from '../../compute/repops/operators.ts';
import { type Checkpoint, encodeCheckpoint } from '../../models/decoder/checkpoint.ts';
import type { Directory } from '../../models/storage/directory.ts';
import { openMemoryDirectory } from '../../models/storage/memory-directory.ts';
import type { Hex } from '../../protocol/hex.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import { PlanThreads } from './plan-thread.ts';
import { runsAt } from './published-runs.ts';
import { evidenceOfRuns, findPlan, type RunEvidenceOptions } from './run-evidence.ts';
import { nanoStart, supervisedSpec } from './testing/nano.ts';

describe('runs by the hash of their terms', () => {
  let folder: string;
  let start: Checkpoint;
  let spec: RunSpec;
  let terms: Hex;
  let server: Server | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-runs-'));
    start = await nanoStart();
    spec = supervisedSpec(start);
    terms = termsHash(planRun(spec).terms);
    await writeFile(join(folder, `${terms}.json`), JSON.stringify(runSpecFields(spec)));
  });
  afterAll(async () => {
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const planners = new PlanThreads();
  afterAll(() => planners.stop());
  const searchUpTo = (maxSteps: number): PlanSearch<RunPlan> =>
    new PlanSearch({ plan: planners.plan, maxSteps, now: () => performance.now() });

  const opened: string[] = [];
  const options = (more: Partial<RunEvidenceOptions> = {}): RunEvidenceOptions => ({
    sources: [runsAt(folder)],
    known: () => Promise.resolve(start),
    openEngine: (): Promise<Engine> => {
      opened.push('engine');
      return createWasmEngine({ threads: 1 });
    },
    folder: () => Promise.resolve(openMemoryDirectory()),
    search: searchUpTo(10),
    ...more,
  });

  it('are found in a folder and give the evidence of the run, computed once', async () => {
    const directory: Directory = openMemoryDirectory();
    const steps: number[] = [];
    const { find } = evidenceOfRuns(
      options({ folder: () => Promise.resolve(directory), onStep: (_, done) => steps.push(done) }),
    );
    const evidence = await find(terms, {});
    if (evidence === undefined) throw new Error('The run was not found.');
    expect(inconsistencyOf(evidence)).toBeUndefined();
    expect(opened).toEqual([]);
    const engine = await createWasmEngine({ threads: 1 });
    const run = await commitRun({ engine, spec, start });
    expect(await evidence.stepRoots()).toEqual(run.roots);
    expect((await evidence.trace(1)).roots).toEqual((await run.trace(1)).roots);
    run.dispose();
    await engine.stop();
    // Another process finds the steps done in the folder.
    const again = await evidenceOfRuns(
      options({ folder: () => Promise.resolve(directory), onStep: (_, done) => steps.push(done) }),
    ).find(terms, {});
    expect(await again?.stepRoots()).toEqual(run.roots);
    expect(steps).toEqual([1, 2, 3]);
  });

  it('are found at an address, up to a size', async () => {
    const files = new Map<string, Uint8Array>([[`/runs/${terms}.cbor`, encodeRunSpec(spec)]]);
    const made = createServer((request, response) => {
      const file = files.get(request.url ?? '');
      response.writeHead(file === undefined ? 404 : 200).end(file);
    });
    server = made;
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    const { port } = made.address() as AddressInfo;
    const search = searchUpTo(10);
    const source = runsAt(`http://127.0.0.1:${port}/runs`);
    expect((await findPlan(search, [source], terms))?.terms).toEqual(planRun(spec).terms);
    files.set(`/runs/${terms}.cbor`, new Uint8Array(16_385));
    await expect(findPlan(search, [source], terms)).rejects.toThrow('has more than 16384 bytes');
    // A source that fails stands in no other's way.
    expect(await findPlan(search, [source, runsAt(folder)], terms)).toBeDefined();
  });

  it('pass over what has other terms, and name what is missing', async () => {
    const other: Hex = `0x${'22'.repeat(32)}`;
    await writeFile(join(folder, `${other}.json`), JSON.stringify(runSpecFields(spec)));
    expect(await evidenceOfRuns(options()).find(other, {})).toBeUndefined();
    await writeFile(join(folder, `${other}.json`), 'no specification');
    expect(await evidenceOfRuns(options()).find(other, {})).toBeUndefined();
    await expect(evidenceOfRuns(options({ search: searchUpTo(2) })).find(terms, {})).rejects.toThrow(
      'Raise --max-steps',
    );
    const elsewhere = { ...start, cursor: 1 };
    const { find } = evidenceOfRuns(options({ known: () => Promise.resolve(elsewhere) }));
    await expect(find(terms, {})).rejects.toThrow(`Put ${spec.start.root}.safetensors beside`);
    await writeFile(join(folder, `${spec.start.root}.safetensors`), encodeCheckpoint(start));
    expect(await find(terms, {})).toBeDefined();
  });

  it('name operators as the engines do', () => {
    const computed = OPERATOR_NAMES.filter((name) => name !== 'draw');
    expect(computed).toEqual(Object.keys(OPERATORS).slice(0, computed.length));
    expect(OPERATOR_NAMES[JUDGE_DRAW]).toBe('draw');
  });
});
