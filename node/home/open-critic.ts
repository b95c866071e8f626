/** A frozen model as a volunteer's critic (docs/onnx.md). */
import { readFile } from 'node:fs/promises';
import { readInstalledWasm } from '../../models/onnx/node-wasm.ts';
import { OnnxDecoder } from '../../models/onnx/onnx-decoder.ts';
import { loadRuntime, OnnxRuntimeError } from '../../models/onnx/runtime.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { Critic } from '../../training/critique.ts';
import { frozenCritic } from '../../training/frozen-critic.ts';
import { taughtFormat } from '../../training/taught-format.ts';
import type { PublishedModel } from '../../workers/published-model.ts';

export interface OpenCritic {
  readonly critic: Critic;
  /** Frees the critic's model. */
  close(): Promise<void>;
}

/**
 * Opens a critic from an .onnx file, as `npm run export` writes it. It uses the tokenizer of the volunteer's
 * model, so it must have the same vocabulary. Throws OnnxRuntimeError, ModelFetchError and TokenizerError.
 */
export async function openCritic(onnx: string, model: PublishedModel): Promise<OpenCritic> {
  const bytes = await readFile(onnx).catch((cause: unknown) => {
    throw new OnnxRuntimeError(`${onnx} cannot be read (${messageOf(cause)}); check --critic.`, { cause });
  });
  const json = new TextDecoder().decode(await model.file('tokenizer.json'));
  const tokenizer = new Tokenizer(JSON.parse(json));
  const decoder = await OnnxDecoder.open(await loadRuntime(await readInstalledWasm()), new Uint8Array(bytes));
  if (decoder.vocabulary < tokenizer.size) {
    await decoder.close();
    throw new OnnxRuntimeError(
      `${onnx} has ${decoder.vocabulary} tokens and the volunteer's model ${tokenizer.size}; use a critic with the same vocabulary.`,
    );
  }
  return {
    critic: frozenCritic({ decoder, format: taughtFormat(tokenizer) }),
    close: () => decoder.close(),
  };
}
