import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createWasmEngine } from '../engines/wasm/engine.ts';
import { openWebGpuEngine } from '../engines/webgpu/engine.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from '../engines/webgpu/host-dawn.ts';
import { commitRun } from './commit-run.ts';
import { POLICY, tinySpec, tinyStart } from './testing/tiny-run.ts';

const REASON = existsSync(SWIFTSHADER_ICD) ? '' : `skipped: no SwiftShader at ${SWIFTSHADER_ICD}`;

describe.skipIf(REASON !== '')(`a run on WebGPU ${REASON}`, () => {
  it('has the trace that it has in wasm, slot for slot', async () => {
    process.env.XDG_RUNTIME_DIR ??= tmpdir();
    const opened = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    const engines = [await openWebGpuEngine(opened.adapter), await createWasmEngine()];
    const spec = tinySpec({ work: POLICY, steps: 1 });
    const shown = [];
    for (const engine of engines) {
      const run = await commitRun({ engine, spec, start: tinyStart() });
      shown.push((await run.trace(0)).roots);
      run.dispose();
      await engine.stop();
    }
    expect(shown[0]).toEqual(shown[1]);
    // Keeps Dawn alive up to here: when it is collected, its devices go with it.
    expect(opened.gpu).toBeDefined();
  });
});
