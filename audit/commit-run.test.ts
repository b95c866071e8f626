import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { checkpointContents } from '../models/decoder/checkpoint.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import { AuditError, commitPlan, commitRun } from './commit-run.ts';
import { operatorName } from './encode-program.ts';
import { folds, foldTotal } from './folds.ts';
import { openRunArchive } from './run-archive.ts';
import { planRun, rootOver } from './run-plan.ts';
import { createStepComputer } from './step-computer.ts';
import { BLOCKS, POLICY, SUPERVISED, tinySpec, tinyStart } from './testing/tiny-run.ts';

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

describe.each([SUPERVISED, POLICY, BLOCKS])('a committed run of $kind steps', (work) => {
  it('has the same roots and traces on the reference engine and in wasm', async () => {
    const spec = tinySpec({ work, steps: 2 });
    const engines = [createReferenceEngine(), await createWasmEngine()];
    const shown = [];
    for (const engine of engines) {
      const run = await commitRun({ engine, spec, start: tinyStart() });
      const trace = await run.trace(1);
      shown.push({ root: run.root, terms: run.terms, roots: run.roots, trace: trace.roots });
      run.dispose();
      await engine.stop();
    }
    expect(shown[1]).toEqual(shown[0]);
  });

  it('shows in each trace what the step began with, was given and ended with', async () => {
    const spec = tinySpec({ work, steps: 2 });
    const engine = await createWasmEngine();
    const run = await commitRun({ engine, spec, start: tinyStart() });
    expect(run.terms.slots).toBe(run.program.length);
    expect(new Set(run.slotNames).size).toBe(run.program.length);
    expect(run.dataRoots.length).toBe(2 * run.terms.dataSlots);
    expect(run.root).toBe(rootOver(run.roots));
    for (const step of [0, 1]) {
      const trace = await run.trace(step);
      expect(trace.before).toBe(step === 0 ? spec.start.root : run.roots[0]);
      expect(trace.after).toBe(run.roots[step]);
      expect(trace.roots.at(-1)).toBe(trace.after);
      for (const [slot, entry] of run.program.entries()) {
        // Inputs come first: the judge takes them from what the challenger conceded.
        expect(entry.inputs.every((input) => input < slot)).toBe(true);
        if (entry.kind === 1) {
          expect(run.dataRoots[step * run.terms.dataSlots + entry.place]).toBe(trace.roots[slot]);
        }
        if (entry.kind === 2) expect(entry.name).toBe(trace.roots[slot]);
        if (entry.kind === 3) expect((await trace.tensor(slot)).length).toBe(4 * entry.node.length);
      }
    }
    run.dispose();
    await engine.stop();
  });

  it('takes every fold apart so that its parts come to the element', async () => {
    const engine = await createWasmEngine();
    const run = await commitRun({ engine, spec: tinySpec({ work, steps: 1 }), start: tinyStart() });
    const trace = await run.trace(0);
    const seen = new Set<string>();
    for (const [slot, { kind, node }] of run.program.entries()) {
      if (kind !== 3 || !folds(node.op)) continue;
      seen.add(operatorName(node.op) ?? '');
      const output = words(await trace.tensor(slot));
      for (const element of [0, output.length >> 1, output.length - 1]) {
        const accumulators = await trace.accumulators(slot, element);
        expect(foldTotal(node.op, accumulators)).toBe(output[element]);
      }
    }
    expect(seen.size).toBe(7);
    run.dispose();
    await engine.stop();
  });
});

describe('a committed run', () => {
  it('trains exactly as a session does', async () => {
    const engine = await createWasmEngine();
    const spec = tinySpec({ steps: 3 });
    const plan = planRun(spec);
    const start = tinyStart();
    const run = await commitRun({ engine, spec, start });
    const session = await ModelSession.create({
      engine,
      config: spec.config,
      parameters: start.state.parameters,
      optimizer: spec.optimizer,
    });
    for (let step = 0; step < 3; step++) {
      const given = plan.given(step);
      const get = (name: string) => given.get(name) ?? [];
      await session.step({
        batch: SUPERVISED.rows,
        length: SUPERVISED.length,
        tokens: get('tokens'),
        targets: get('targets'),
        weights: get('weights'),
        learningRate: spec.learningRate,
      });
      const checkpoint = { ...start, state: await session.snapshot() };
      expect(checkpointRoot(checkpointContents(checkpoint))).toBe(run.roots[step]);
    }
    await session.dispose();
    run.dispose();
    await engine.stop();
  });

  it('samples in training what a session samples, and trains on the tokens drawn', async () => {
    const engine = await createWasmEngine();
    const spec = tinySpec({ work: POLICY, steps: 1 });
    const run = await commitRun({ engine, spec, start: tinyStart() });
    const trace = await run.trace(0);
    const read = async (name: string) => words(await trace.tensor(run.slotNames.indexOf(name)));
    const { promptLength, answerLength } = POLICY;
    const rows = POLICY.items * POLICY.samples;
    const prompts: Uint32Array[] = [];
    for (let p = 0; p < promptLength; p++) prompts.push(await read(`prompt.${p}`));
    const uniforms: Float32Array[] = [];
    for (let p = promptLength - 1; p < promptLength + answerLength - 1; p++) {
      uniforms.push(new Float32Array((await read(`at.${p}.uniform`)).buffer));
    }
    const start = tinyStart();
    const session = await ModelSession.create({
      engine,
      config: spec.config,
      parameters: start.state.parameters,
    });
    const answers = await session.generate({
      prompts: Array.from({ length: rows }, (_, row) => prompts.map((column) => column[row] ?? 0)),
      maxNewTokens: answerLength,
      // No id ends a row: those that ended draw on, with weight 0.
      endToken: -1,
      uniform: (row, position) => uniforms[position]?.[row] ?? 0,
    });
    const [tokens, targets] = [await read('tokens'), await read('targets')];
    const length = promptLength + answerLength - 1;
    const [old, logprobs] = [await read('at.7.drawn.oldLogprobs'), await read('logprobs')];
    for (const [row, answer] of answers.entries()) {
      const first = row * length + promptLength - 1;
      expect([...targets.slice(first, first + answerLength)]).toEqual(answer.tokens);
      expect([...tokens.slice(first + 1, first + answerLength)]).toEqual(answer.tokens.slice(0, -1));
      expect([...tokens.slice(row * length, first + 1)]).toEqual(prompts.map((column) => column[row]));
      expect(old.slice(first, first + answerLength)).toEqual(logprobs.slice(first, first + answerLength));
    }
    await session.dispose();
    run.dispose();
    await engine.stop();
  });

  it('gives rows of a group that differ opposite advantages, and rows that ended no weight', async () => {
    const engine = await createWasmEngine();
    // A fresh model draws almost evenly, so that groups differ.
    const spec = tinySpec({ work: { ...POLICY, items: 8 }, steps: 1, seed: `0x${'09'.repeat(32)}` });
    const run = await commitRun({ engine, spec, start: tinyStart() });
    const trace = await run.trace(0);
    const read = async (name: string) =>
      new Float32Array((await trace.tensor(run.slotNames.indexOf(name))).slice().buffer);
    let differing = 0;
    for (let p = 5; p < 8; p++) {
      const [credit, advantage] = [await read(`at.${p}.drawn.credit`), await read(`at.${p}.drawn.advantage`)];
      for (let item = 0; item < 8; item++) {
        const group = credit.slice(item * 4, item * 4 + 4);
        const mean = group.reduce((sum, each) => sum + each) / 4;
        const deviation = Math.sqrt(group.reduce((sum, each) => sum + (each - mean) ** 2, 0) / 4 + 1e-4);
        if (mean > 0 && mean < 1) differing += 1;
        for (const [i, each] of group.entries()) {
          expect(advantage[item * 4 + i]).toBeCloseTo((each - mean) / deviation, 2);
        }
      }
      const ids = words(await trace.tensor(run.slotNames.indexOf(`at.${p}.ids`)));
      const [alive, next] = [
        await read(p === 5 ? 'alive.0' : `at.${p - 1}.drawn.next`),
        await read(`at.${p}.drawn.next`),
      ];
      for (const [row, id] of ids.entries()) expect(next[row]).toBe(id === 2 ? 0 : alive[row]);
    }
    expect(differing).toBeGreaterThan(0);
    run.dispose();
    await engine.stop();
  });

  it('replays any step from the checkpoints that the policy keeps', async () => {
    const engine = await createWasmEngine();
    const archive = openRunArchive(openMemoryDirectory());
    const spec = tinySpec({ steps: 5 });
    const run = await commitRun({ engine, spec, start: tinyStart(), archive, policy: { every: 2 } });
    expect(await archive.kept()).toEqual([0, 2, 4, 5]);
    for (const step of [5, 3, 0]) {
      const root = checkpointRoot(checkpointContents(await run.checkpoint(step)));
      expect(root).toBe(step === 0 ? spec.start.root : run.roots[step - 1]);
    }
    await expect(run.checkpoint(6)).rejects.toThrow(RangeError);
    run.dispose();
    await engine.stop();
  });

  it('goes on after a stop where the last whole checkpoint ends, and computes again what a crash tore', async () => {
    const engine = await createWasmEngine();
    const spec = tinySpec({ steps: 4 });
    const whole = await commitRun({ engine, spec, start: tinyStart() });
    const directory = openMemoryDirectory();
    const archive = openRunArchive(directory);
    const stop = new AbortController();
    const stopped = commitRun({
      ...{ engine, spec, start: tinyStart(), archive, policy: { every: 1 }, signal: stop.signal },
      onStep: (done) => done === 3 && stop.abort(),
    });
    await expect(stopped).rejects.toThrow();
    expect(await archive.kept()).toEqual([0, 1, 2, 3]);
    const torn = directory.files.get('after-00003.safetensors');
    directory.files.set('after-00003.safetensors', (torn ?? new Uint8Array()).slice(0, 5000));
    const again: number[] = [];
    const run = await commitRun({
      ...{ engine, spec, start: tinyStart(), archive },
      onStep: (done) => void again.push(done),
    });
    expect(again).toEqual([3, 4]);
    expect(run.roots).toEqual(whole.roots);
    await engine.stop();
  });

  it('takes nothing from the archive of another run', async () => {
    const engine = await createWasmEngine();
    const archive = openRunArchive(openMemoryDirectory());
    const other = tinySpec({ steps: 2, seed: `0x${'77'.repeat(32)}` });
    await commitRun({ engine, spec: other, start: tinyStart(), archive, policy: { every: 1 } });
    const spec = tinySpec({ steps: 2 });
    const run = await commitRun({ engine, spec, start: tinyStart(), archive, policy: { every: 1 } });
    const fresh = await commitRun({ engine, spec, start: tinyStart() });
    expect(run.roots).toEqual(fresh.roots);
    await engine.stop();
  });

  it('refuses a first checkpoint that is not the one of the specification', async () => {
    const engine = createReferenceEngine();
    const other = { ...tinyStart(), cursor: 4 };
    await expect(commitRun({ engine, spec: tinySpec(), start: other })).rejects.toThrow(AuditError);
  });

  it('says so when a replay gives something else than before', async () => {
    const engine = await createWasmEngine();
    const plan = planRun(tinySpec({ steps: 1 }));
    const honest = createStepComputer({ engine, plan });
    const computer = {
      ...honest,
      trace: async (...args: Parameters<typeof honest.trace>) => {
        const trace = await honest.trace(...args);
        const after = new Map(trace.after);
        after.set('model.norm.weight', new Float32Array(16));
        return { ...trace, after };
      },
    };
    const run = await commitPlan({ plan, computer, start: tinyStart() });
    await expect(run.trace(0)).rejects.toThrow(/another result/);
    await engine.stop();
  });
});
