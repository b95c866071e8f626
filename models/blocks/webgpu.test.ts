import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from '../../compute/engines/webgpu/device/dawn.ts';
import { openWebGpuEngine } from '../../compute/engines/webgpu/engine.ts';
import { checkpointMetadata } from '../decoder/checkpoint.ts';
import { NANO_CONFIG } from '../decoder/config.ts';
import { blockPlan } from './block-plan.ts';
import { blockStep } from './block-step.ts';
import { HopComputer } from './hop-computer.ts';
import { BlockRun } from './testing/block-run.ts';
import { microbatchData, nanoBatch, nanoStart } from './testing/nano-case.ts';

const REASON = existsSync(SWIFTSHADER_ICD) ? '' : `skipped: no SwiftShader at ${SWIFTSHADER_ICD}`;

describe.skipIf(REASON !== '')(`a step over blocks on WebGPU ${REASON}`, () => {
  it('[B-5] has the root that it has in wasm, alone and with hops on either', async () => {
    process.env.XDG_RUNTIME_DIR ??= tmpdir();
    const opened = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    const [gpu, wasm] = [await openWebGpuEngine(opened.adapter), await createWasmEngine({ threads: 1 })];
    const start = nanoStart();
    const plan = blockPlan({ config: NANO_CONFIG, layers: [1, 1] });
    const microbatches = { count: 2, batch: 1, length: 12 };
    const step = blockStep({ plan, microbatches, paths: [[2, 1], [1]] });
    const roots = new Set<string>();
    for (const engines of [[wasm], [gpu], [gpu, wasm]]) {
      const devices = engines.map((engine) => new HopComputer({ engine, step }));
      const place = ({ index }: { readonly index: number }) => (index * 7) % engines.length;
      const run = await BlockRun.start(plan, { state: start.state, devices, place });
      for (let at = 0; at < 2; at++) {
        const rows = nanoBatch(microbatches, at);
        await run.step(step, microbatchData(microbatches, rows), rows.learningRate);
      }
      roots.add(run.root(plan, checkpointMetadata(start, 2)));
      for (const device of devices) await device.dispose();
    }
    expect(roots.size).toBe(1);
    await gpu.stop();
    await wasm.stop();
    // Keeps Dawn alive up to here: when it is collected, its devices go with it.
    expect(opened.gpu).toBeDefined();
  });
});
