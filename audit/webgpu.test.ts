import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from '../compute/engines/webgpu/device/dawn.ts';
import { openWebGpuEngine } from '../compute/engines/webgpu/engine.ts';
import { planRun, stateTensors } from './run-plan.ts';
import { createStepComputer } from './step-computer.ts';
import { POLICY, tinySpec, tinyStart } from './testing/tiny-run.ts';

const REASON = existsSync(SWIFTSHADER_ICD) ? '' : `skipped: no SwiftShader at ${SWIFTSHADER_ICD}`;

describe.skipIf(REASON !== '')(`a run on WebGPU ${REASON}`, () => {
  it('has the trace that it has in wasm, slot for slot', async () => {
    process.env.XDG_RUNTIME_DIR ??= tmpdir();
    const opened = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    const engines = [await openWebGpuEngine(opened.adapter), await createWasmEngine()];
    const plan = planRun(tinySpec({ work: { ...POLICY, items: 1, samples: 2 }, steps: 1 }));
    const shown = [];
    for (const engine of engines) {
      const computer = createStepComputer({ engine, plan });
      shown.push(await computer.trace(0, stateTensors(tinyStart())));
      computer.dispose();
      await engine.stop();
    }
    expect(shown[0]?.tensors.length).toBe(plan.program.length);
    expect(shown[0]).toEqual(shown[1]);
    // Keeps Dawn alive up to here: when it is collected, its devices go with it.
    expect(opened.gpu).toBeDefined();
    // SwiftShader compiles each of some forty kernels for seconds when the machine is busy.
  });
});
