import { describe, expect, it } from 'vitest';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { NANO_CONFIG } from '../decoder/config.ts';
import { predictBlockMemory } from './block-memory.ts';
import { BlockPlanError, blockBytes, blockPlan } from './block-plan.ts';
import { blockStep } from './block-step.ts';
import type { Hop } from './hop.ts';
import { HopComputer } from './hop-computer.ts';
import { BlockRun } from './testing/block-run.ts';
import { microbatchData, nanoBatch, nanoStart } from './testing/nano-case.ts';

const plan = blockPlan({ config: NANO_CONFIG, layers: [1, 1] });
const microbatches = { count: 2, batch: 2, length: 32 };
const step = blockStep({ plan, microbatches, paths: 'full' });
const ALL = plan.blocks.map(({ id }) => id);

describe('predicted memory of blocks', () => {
  it.each([
    { devices: 1, of: (_: string) => 0 },
    { devices: 3, of: (block: string) => ALL.indexOf(block) },
  ])('is what $devices devices allocate', async ({ devices, of }) => {
    const engines = await Promise.all(
      Array.from({ length: devices }, () => createWasmEngine({ threads: 1 })),
    );
    const computers = engines.map((engine) => new HopComputer({ engine, step }));
    const place = ({ block }: Hop) => of(block);
    const run = await BlockRun.start(plan, { state: nanoStart().state, devices: computers, place });
    await run.step(step, microbatchData(microbatches, nanoBatch(microbatches, 0)), 1e-3);
    for (const [index, engine] of engines.entries()) {
      const { held, bound, activations, total } = predictBlockMemory(
        step,
        ALL.filter((block) => of(block) === index),
      );
      const { tensors, peak } = engine.memory();
      expect(tensors / (held + bound)).toBeGreaterThan(0.98);
      expect(tensors / (held + bound)).toBeLessThan(1.02);
      expect(peak).toBeGreaterThan(held + bound);
      expect(peak).toBeLessThan(1.25 * total);
      expect(activations).toBeGreaterThan(0);
    }
    for (const computer of computers) await computer.dispose();
    for (const engine of engines) await engine.stop();
  });

  it('is less for one block than for all, and more than the block alone', () => {
    const whole = predictBlockMemory(step, ALL);
    for (const block of plan.blocks) {
      const own = predictBlockMemory(step, [block.id]);
      expect(own.total).toBeLessThan(whole.total);
      expect(own.held).toBeGreaterThanOrEqual(blockBytes(plan, block));
    }
    expect(() => predictBlockMemory(step, ['layers.9'])).toThrow(BlockPlanError);
  });
});
