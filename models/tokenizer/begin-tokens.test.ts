import { describe, expect, it } from 'vitest';
import { ChatTokenizer } from './chat-tokenizer.ts';
import { BEGIN, beginTemplate, byteLevelJson, END, sentencePieceJson } from './testing/small-tokenizers.ts';
import { TokenizerError } from './tokenizer-error.ts';

const SETTINGS = { bos_token: '<s>', eos_token: { content: '</s>' } };
const both = [
  ['SentencePiece', sentencePieceJson],
  ['byte level', byteLevelJson],
] as const;

describe.each(both)('begin tokens of a %s tokenizer', (_, make) => {
  const tokenizer = new ChatTokenizer(make(), SETTINGS);
  const plain = tokenizer.encode('a cat');

  it('stand before a prompt, as the post-processor says', () => {
    expect(tokenizer.encodeDocument('a cat')).toEqual([BEGIN, ...plain]);
    expect(tokenizer.encodeDocument('')).toEqual([BEGIN]);
    expect(plain).not.toContain(BEGIN);
  });

  it.each([
    ['{{ bos_token }}', 1],
    ['', 0],
  ])('stand before a conversation only where its template %j writes them', (begin, count) => {
    const chat_template = `${begin}{{ messages[0].content }}`;
    const chat = new ChatTokenizer(make(), { ...SETTINGS, chat_template });
    const ids = chat.encodeChat([{ role: 'user', content: 'a cat' }]);
    expect(ids.filter((id) => id === BEGIN)).toHaveLength(count);
  });

  it('follow add_bos_token before the post-processor', () => {
    const begin = (post_processor: unknown, settings: Record<string, unknown>) =>
      new ChatTokenizer(make({ post_processor }), { ...SETTINGS, ...settings }).beginTokens;
    expect(begin(beginTemplate(), { add_bos_token: false })).toEqual([]);
    expect(begin(null, { add_bos_token: true })).toEqual([BEGIN]);
    expect(begin(null, {})).toEqual([]);
    expect(begin(null, { tokenizer_class: 'LlamaTokenizer' })).toEqual([BEGIN]);
    expect(begin(beginTemplate(), { add_bos_token: true, bos_token: null })).toEqual([BEGIN]);
    expect(begin(beginTemplate('</s>', END), { add_bos_token: null })).toEqual([END]);
  });

  it('leave out what stands after the text', () => {
    const template = beginTemplate();
    const single = [
      { SpecialToken: { id: '<s>', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '<s>', type_id: 0 } },
    ];
    expect(new ChatTokenizer(make({ post_processor: { ...template, single } })).beginTokens).toEqual([BEGIN]);
    const roberta = { type: 'RobertaProcessing', sep: ['</s>', END], cls: ['<s>', BEGIN] };
    expect(new ChatTokenizer(make({ post_processor: roberta })).beginTokens).toEqual([BEGIN]);
  });

  it('are refused when the tokenizer lacks them', () => {
    for (const post_processor of [
      beginTemplate('<s>', 100_000),
      { ...beginTemplate(), special_tokens: {} },
      { ...beginTemplate(), special_tokens: { '<s>': { ids: ['1'] } } },
    ]) {
      expect(() => new ChatTokenizer(make({ post_processor }), SETTINGS)).toThrow(TokenizerError);
    }
  });
});
