import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe } from 'vitest';
import { describeEngineContract } from '../testing/engine-contract.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from './device/dawn.ts';
import { openWebGpuEngine } from './engine.ts';

describe.skipIf(!existsSync(SWIFTSHADER_ICD))('on Dawn and SwiftShader (needs Debian chromium)', () => {
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  // A collected instance takes its devices with it.
  const instances: GPU[] = [];
  const open = async () => {
    const { gpu, adapter } = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    instances.push(gpu);
    return openWebGpuEngine(adapter);
  };
  const offers = { hashing: true, pacing: true, measuring: true, prepacking: true };
  describeEngineContract('the WebGPU engine', open, offers);
});
