/** The engines of a process: without a GPU in any thread, and with one in the main thread. */
import type { EngineKind } from '../../compute/engines/engine.ts';
import { availableCandidates, chooseEngine, type EngineVerdict } from '../../models/engine-choice/choose.ts';
import type { ChosenEngine } from '../../workers/engine-report.ts';
import { verdictFolder } from '../home/verdict-folder.ts';

/** The engines that any thread can run. A GPU's native code runs in the main thread alone. */
export type ThreadEngine = Exclude<EngineKind, 'webgpu'>;

/** Chooses an engine that computes the specified bits. Rejects with EngineError where none does. */
export type EngineChooser = (
  choice: EngineKind | 'auto',
  options: { readonly threads: number; readonly signal?: AbortSignal | undefined },
) => Promise<ChosenEngine<EngineVerdict>>;

/** For any thread. `verdicts` is the folder of the engines' conformance verdicts. */
export function threadEngineChooser(verdicts: string): EngineChooser {
  return (choice, options) => choose(choice, options, verdicts, undefined);
}

/** For the main thread. It loads Dawn's GPU, native code that most members do without, when asked for it. */
export function gpuEngineChooser(verdicts: string): EngineChooser {
  return async (choice, options) => {
    const { openDawnAdapter } = await import('../../compute/engines/webgpu/device/dawn.ts');
    return choose(choice, options, verdicts, (await openDawnAdapter()).gpu);
  };
}

async function choose(
  choice: EngineKind | 'auto',
  { threads, signal }: Parameters<EngineChooser>[1],
  verdicts: string,
  gpu: GPU | undefined,
): Promise<ChosenEngine<EngineVerdict>> {
  return chooseEngine({
    choice,
    candidates: availableCandidates({ threads, gpu, allowSoftwareGpu: gpu !== undefined }),
    userAgent: `node ${process.version}`,
    store: verdictFolder(verdicts),
    now: () => performance.now(),
    ...(signal === undefined ? {} : { signal }),
  });
}
