/** Computes a model's logits on an engine, for comparison with the exported file. */
import type { Engine, Tensor } from '../../../compute/engines/engine.ts';
import type { Program } from '../../../compute/repops/program.ts';
import { ProgramBuilder } from '../../decoder/builder.ts';
import type { DecoderConfig } from '../../decoder/config.ts';
import { emitForward } from '../../decoder/forward.ts';
import { modelRopeTables } from '../../decoder/rope.ts';
import type { NamedTensors } from '../../decoder/state.ts';

export interface EngineForward {
  readonly engine: Engine;
  readonly config: DecoderConfig;
  readonly parameters: NamedTensors;
  /** Rows with the same number of tokens. */
  readonly tokens: readonly (readonly number[])[];
}

/** f32 [rows, tokens, vocabulary]: the forward pass that scoring and training begin with. */
export async function engineLogits({
  engine,
  config,
  parameters,
  tokens,
}: EngineForward): Promise<Float32Array> {
  const [batch, length] = [tokens.length, tokens[0]?.length ?? 0];
  const builder = new ProgramBuilder();
  const { logits } = emitForward(builder, config, { batch, length });
  const built = builder.build('logits');
  const program: Program = {
    ...built,
    tensors: {
      ...built.tensors,
      [logits]: { shape: [batch * length, config.vocabulary], dtype: 'f32', storage: 'bound' },
    },
  };
  const tables = modelRopeTables(config, program.tensors['rope.cos']?.shape[0] ?? 0);
  const given = new Map<string, Float32Array | Uint32Array>([
    ...parameters,
    ['rope.cos', tables.cos],
    ['rope.sin', tables.sin],
    ['tokens', Uint32Array.from(tokens.flat())],
    ['positions', Uint32Array.from({ length: batch * length }, (_, i) => i % length)],
  ]);
  const bindings: Record<string, Tensor> = {};
  for (const [name, spec] of Object.entries(program.tensors)) {
    if (spec.storage !== 'bound') continue;
    const tensor = engine.allocate(spec.shape, spec.dtype);
    bindings[name] = tensor;
    const data = given.get(name);
    if (data !== undefined) engine.write(tensor, data);
  }
  try {
    await engine.run(program, bindings);
    const out = bindings[logits];
    const values = out === undefined ? undefined : await engine.read(out);
    if (!(values instanceof Float32Array)) throw new TypeError('logits are f32');
    return values;
  } finally {
    for (const tensor of Object.values(bindings)) engine.free(tensor);
  }
}
