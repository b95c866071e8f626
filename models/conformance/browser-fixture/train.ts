import { createWasmEngine } from '../../../compute/engines/wasm/engine.ts';
import { runTrainingCase } from '../training-case.ts';

export interface CaseReport {
  readonly description: string;
  readonly root: string;
}

/** The training case on a wasm engine of `threads`. */
export async function trainOn(threads: number): Promise<CaseReport> {
  const engine = await createWasmEngine({ threads, alwaysAllThreads: true });
  try {
    const { root } = await runTrainingCase(engine);
    return { description: engine.description, root };
  } finally {
    await engine.stop();
  }
}
