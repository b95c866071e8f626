import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { FrozenSession } from '../../models/decoder/frozen-session.ts';
import { generationHash } from '../../models/decoder/generation-hash.ts';
import { type AdapterCheckpoint, decodeAdapters } from '../../models/decoder/lora/adapter-state.ts';
import { seededStream } from '../../models/decoder/seeded-stream.ts';
import { blobSource } from '../../models/loading/blob-source.ts';
import { openModel } from '../../models/loading/open-model.ts';
import { TINY, tinyFiles } from '../../models/loading/testing/tiny-model.ts';

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/**
 * A random model of Qwen2's shape in two shards, large enough that a download can be cut in the middle, with
 * a chat template.
 */
export function littleModel(): Record<string, Uint8Array> {
  const config = { ...TINY, feedForward: 4096, context: 256 };
  return {
    ...tinyFiles({ config, shards: 2 }),
    'generation_config.json': json({
      do_sample: true,
      temperature: 0.8,
      top_k: 30,
      top_p: 0.95,
      eos_token_id: 2,
    }),
    'tokenizer_config.json': json({
      chat_template:
        '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}',
    }),
  };
}

/** The same question to the same model here, on the reference engine: what the page must say, bit for bit. */
export async function answerInNode(options: {
  readonly files: Record<string, Uint8Array>;
  readonly message: string;
  readonly tokens: number;
  readonly seed: number;
  /** A checkpoint that the page gave. */
  readonly adapter?: Uint8Array | Pick<AdapterCheckpoint, 'lora' | 'state'>;
  /** Takes the most probable token in place of drawing. Defaults to false. */
  readonly greedy?: boolean;
}): Promise<{ readonly text: string; readonly hash: string }> {
  const picked = Object.entries(options.files).map(
    ([name, bytes]) => new File([new Uint8Array(bytes)], name),
  );
  const { tokenizer, generation, ...model } = await openModel(blobSource(picked));
  const { adapter } = options;
  const checkpoint = adapter instanceof Uint8Array ? decodeAdapters(adapter) : adapter;
  const session = await FrozenSession.create({
    engine: createReferenceEngine(),
    ...model,
    ...(checkpoint === undefined
      ? {}
      : { lora: { ...checkpoint.lora, adapters: checkpoint.state.adapters } }),
  });
  const uniforms = seededStream(options.seed, 'sampling');
  const [row = { tokens: [], logprobs: [] }] = await session.generate({
    prompts: [tokenizer.encodeChat([{ role: 'user', content: options.message }])],
    maxNewTokens: options.tokens,
    endToken: generation.endTokens,
    temperature: generation.temperature,
    topK: generation.topK,
    topP: generation.topP,
    batch: 1,
    greedy: options.greedy ?? false,
    uniform: (item, position) => uniforms.uniform(item, 0, position),
  });
  return { text: tokenizer.decode(row.tokens), hash: generationHash(row) };
}
