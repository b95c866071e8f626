import type { Engine } from '../workers/engines/engine.ts';
import type { BenchmarkContext } from './benchmark.ts';

/** Dawn drops a device when its GPU object is collected, so they are kept. */
const kept: GPU[] = [];

/** The webgpu engine on Dawn with SwiftShader (a GPU done by the CPU), or undefined with a note where that is missing. */
export async function softwareGpuEngine(context: BenchmarkContext): Promise<Engine | undefined> {
  try {
    const { openDawnAdapter, SWIFTSHADER_ICD } = await import('../workers/engines/webgpu/host-dawn.ts');
    const { openWebGpuEngine } = await import('../workers/engines/webgpu/engine.ts');
    const { gpu, adapter } = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    kept.push(gpu);
    return await openWebGpuEngine(adapter);
  } catch (error) {
    context.note(`webgpu left out: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
