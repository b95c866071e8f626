import type { DecoderConfig } from '../../models/decoder/config.ts';
import { TINY, tinyFiles } from '../../models/loading/testing/tiny-model.ts';
import { ChatTokenizer } from '../../models/tokenizer/chat-tokenizer.ts';
import { wordTokenizerJson } from '../../models/tokenizer/word-vocabulary.ts';
import { MOST_WHOLE_BYTES } from '../../protocol/file-manifest.ts';

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
/** Makes a file of JSON larger than what members pass on as a whole, as a real tokenizer is. */
const padded = (bytes: Uint8Array) => {
  const large = new Uint8Array(MOST_WHOLE_BYTES + 100_000).fill(0x20);
  large.set(bytes);
  return large;
};

const CONFIG: DecoderConfig = {
  ...TINY,
  hiddenSize: 32,
  headDim: 8,
  feedForward: 64,
  vocabulary: new ChatTokenizer(wordTokenizerJson()).size,
  context: 768,
};

/**
 * A random model of Qwen2's shape with 30,000 parameters that reads words. Its chat template has no place for
 * instructions, so a person can ask it under Models exactly as a swarm does. Its tokenizer has more
 * than 1 MiB.
 */
export function chatModel(): Record<string, Uint8Array> {
  return {
    ...tinyFiles({ config: CONFIG }),
    'tokenizer.json': padded(json(wordTokenizerJson())),
    'generation_config.json': json({ do_sample: false, eos_token_id: 2 }),
    'tokenizer_config.json': json({
      chat_template:
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no instructions') }}{% endif %}{{ m.role }}: {{ m.content }}<end>\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}",
    }),
  };
}
