/** What models/ reads beside weights: tokenizers, chat templates, settings, indices, records of downloads. */
import { isDeepStrictEqual } from 'node:util';
import { readAbsentFiles } from '../../models/loading/absent-files.ts';
import { parseHashes } from '../../models/loading/file-root.ts';
import { readState } from '../../models/loading/file-state.ts';
import { parseGeneration } from '../../models/loading/generation-config.ts';
import { readRecord } from '../../models/loading/library-record.ts';
import { isFileName, ModelLoadError } from '../../models/loading/model-source.ts';
import { openMemoryFileStore } from '../../models/loading/testing/memory-file-store.ts';
import { parseWeightsIndex, totalOfIndex } from '../../models/loading/weights-index.ts';
import { parseVerdict, VerdictError } from '../../models/onnx/parse-verdict.ts';
import { ChatTokenizer } from '../../models/tokenizer/chat-tokenizer.ts';
import { checkPatterns } from '../../models/tokenizer/pattern-check.ts';
import { beginTemplate, sentencePieceJson } from '../../models/tokenizer/testing/small-tokenizers.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import { TokenizerError } from '../../models/tokenizer/tokenizer-error.ts';
import { bytesMutator } from '../mutate/bytes.ts';
import { jsonMutator } from '../mutate/json.ts';
import { ACCEPTED, assert, bytesOf, type FuzzTarget, jsonOf, refusedBy, textOf } from '../target.ts';
import { modelFileTargets } from './model-files.ts';

const json = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value));

/** A tokenizer.json of a few tokens, since whole byte vocabularies make inputs long. */
function fewTokens(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const full = sentencePieceJson();
  const tokens = ['<unk>', '<s>', '</s>', '▁', 'a', 'b', 'c', '▁a', 'ab', 'Ġ', 'Ġa'];
  const model = { ...(full.model as object), byte_fallback: false, merges: ['▁ a', 'a b', 'Ġ a'] };
  return {
    ...full,
    model: { ...model, vocab: Object.fromEntries(tokens.map((token, id) => [token, id])) },
    ...more,
  };
}

const TEXTS = ['', ' ', 'a', 'ab a', 'abc\n\na', '</s>', 'é𝒳', ' a '.repeat(40)];

const tokenizer: FuzzTarget = {
  name: 'models/tokenizer',
  about: 'tokenizer.json; it is refused, or texts go in and out with TokenizerError alone',
  mutator: jsonMutator([
    ...[
      'BPE',
      'WordPiece',
      'Unigram',
      'WordLevel',
      'Metaspace',
      'ByteLevel',
      'Split',
      'Replace',
      'Strip',
      'Fuse',
    ],
    ...[
      'Sequence',
      'NFKC',
      'Lowercase',
      'Precompiled',
      'Digits',
      'Punctuation',
      'BertNormalizer',
      'CTC',
      'Prepend',
    ],
    ...[
      'pattern',
      'Regex',
      'String',
      'behavior',
      'Isolated',
      'Removed',
      'invert',
      'content',
      'added_tokens',
      'vocab',
    ],
    ...['merges', 'unk_token', 'dropout', 'lstrip', 'rstrip', 'single_word', 'normalized', 'ignore_merges'],
  ]),
  maxBytes: 8000,
  shortInputs: 300,
  async open() {
    const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
    const split = { type: 'Split', pattern: { Regex: '\\p{N}|\\s+' }, behavior: 'Isolated', invert: false };
    return {
      seeds: [
        json(fewTokens()),
        json(fewTokens({ normalizer: null, pre_tokenizer: level, decoder: level, post_processor: null })),
        json(
          fewTokens({
            normalizer: { type: 'NFC' },
            pre_tokenizer: { type: 'Sequence', pretokenizers: [split, level] },
          }),
        ),
      ],
      attempt(input) {
        const value = jsonOf(input);
        return refusedBy(() => {
          const read = new Tokenizer(value);
          let taken = 0;
          for (const text of TEXTS) {
            try {
              const ids = read.encode(text);
              assert(
                ids.every((id) => Number.isSafeInteger(id) && id >= 0 && id < read.size),
                'An id is no id.',
              );
              assert(typeof read.decode(ids) === 'string', 'What is decoded is no text.');
              taken++;
            } catch (error) {
              if (!(error instanceof TokenizerError)) throw error;
            }
          }
          assert(taken > 0, 'Even the empty text is refused.');
        }, TokenizerError);
      },
    };
  },
};

const begin: FuzzTarget = {
  name: 'models/begin-tokens',
  about: 'post-processor and settings of a tokenizer: the ids before a text are ids',
  mutator: jsonMutator([
    'add_bos_token',
    'tokenizer_class',
    'LlamaTokenizer',
    'RobertaProcessing',
    'cls',
    'bos_token',
  ]),
  maxBytes: 4000,
  shortInputs: 300,
  async open() {
    return {
      seeds: [
        json({ post_processor: beginTemplate(), settings: {} }),
        json({ post_processor: null, settings: { add_bos_token: true, bos_token: { content: '<s>' } } }),
        json({
          post_processor: { type: 'Sequence', processors: [beginTemplate()] },
          settings: { bos_token: '<s>' },
        }),
      ],
      attempt(input) {
        const value = jsonOf(input);
        if (typeof value !== 'object' || value === null) return { kind: 'refused', why: 'no object' };
        const { post_processor, settings } = value as { post_processor?: unknown; settings?: unknown };
        const given =
          typeof settings === 'object' && settings !== null ? (settings as Record<string, unknown>) : {};
        const { chat_template: _, ...rest } = given;
        return refusedBy(() => {
          const read = new ChatTokenizer(fewTokens({ post_processor }), rest);
          assert(
            read.beginTokens.every((id) => read.knows(id)),
            'A text begins with an unknown token.',
          );
        }, TokenizerError);
      },
    };
  },
};

const JINJA = [
  ...[
    '{{',
    '}}',
    '{%',
    '%}',
    '{%-',
    '-%}',
    '{#',
    '#}',
    'for',
    'in',
    'endfor',
    'if',
    'else',
    'endif',
    'set',
    'macro',
  ],
  ...[
    'endmacro',
    'messages',
    'message',
    "['content']",
    '.role',
    '|',
    'trim',
    'tojson',
    'join',
    'length',
    'range(9)',
  ],
  ...[
    'loop.index0',
    'namespace(a=1)',
    'is defined',
    'is string',
    '[::-1]',
    '[0:2]',
    '*',
    '%',
    '~',
    "'a'",
    '9999999',
  ],
  ...[
    'raise_exception',
    'strftime_now',
    'caller',
    'filter',
    'selectattr',
    'items()',
    'split',
    'replace',
    'constructor',
  ],
  ...[
    '__proto__',
    'not',
    'and',
    'or',
    'none',
    'true',
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ',',
    ':',
    '=',
    '==',
    '+',
    '-',
  ],
  ...[
    '{% call',
    'endcall',
    'break',
    'continue',
    'generation',
    'endgeneration',
    'indent(400000)',
    'safe',
    'title',
  ],
];

const template: FuzzTarget = {
  name: 'models/chat-template',
  about: 'a chat template, a stranger’s program: it ends, within memory, with a text or TokenizerError',
  mutator: bytesMutator(JINJA),
  maxBytes: 1500,
  shortInputs: 500,
  async open() {
    const tokens = fewTokens();
    return {
      seeds: [
        "{% for message in messages %}{{'<|' + message['role'] + '|>' + message['content'] | trim}}{% endfor %}{% if add_generation_prompt %}{{'<|a|>'}}{% endif %}",
        "{%- set ns = namespace(first=true) %}{% for m in messages[::-1] if m.role != 'system' %}{{ loop.index0 ~ m.content.split('a')[-1] }}{% if loop.last %}{{ eos_token }}{% endif %}{% endfor %}",
        "{% macro f(x, y=2) %}{{ x * y }}{% endmacro %}{{ f(3) }}{{ range(3) | list | tojson }}{{ strftime_now('%d %B %Y') }}{{ raise_exception('no') if messages | length > 9 else '' }}",
      ].map(bytesOf),
      attempt: (input) =>
        refusedBy(() => {
          const read = new ChatTokenizer(tokens, { chat_template: textOf(input), eos_token: '</s>' });
          const messages = [
            { role: 'system', content: 'a' },
            { role: 'user', content: ' ab c ' },
          ] as const;
          const text = read.chatText(messages);
          assert(typeof text === 'string' && text.length <= 1 << 24, 'The text is no text, or too long.');
          assert(read.chatText(messages) === text, 'The text is another one the second time.');
        }, TokenizerError),
    };
  },
};

const pattern: FuzzTarget = {
  name: 'models/tokenizer-pattern',
  about: 'a regular expression of a tokenizer.json: one that is taken needs little time for any text',
  mutator: bytesMutator([
    '\\p{L}',
    '\\s+',
    '(?i:',
    '[^',
    ']',
    '|',
    '+',
    '*',
    '?',
    '{1,3}',
    '{0,255}',
    '\\w',
    '(?!',
    '.',
    '\\d',
    'a',
  ]),
  maxBytes: 300,
  shortInputs: 1000,
  async open() {
    const hostile = [
      'a'.repeat(3000),
      ' '.repeat(3000),
      `${'1a '.repeat(900)}!`,
      '\n'.repeat(2000),
      `${'é'.repeat(2000)}x`,
    ];
    return {
      seeds: ['\\p{N}{1,3}|\\s+', '[a-z]?[0-9]{2,4}b+', '.|x*', ' ?\\p{L}+| ?\\p{N}+'].map(bytesOf),
      attempt: (input) =>
        refusedBy(() => {
          const source = textOf(input);
          checkPatterns({ pre_tokenizer: { type: 'Split', pattern: { Regex: source } } });
          const split = { type: 'Split', pattern: { Regex: source }, behavior: 'Isolated', invert: false };
          const read = new Tokenizer(fewTokens({ pre_tokenizer: split }));
          for (const text of hostile) read.encodeWithSpecial(text);
        }, TokenizerError),
    };
  },
};

const generation: FuzzTarget = {
  name: 'models/generation-config',
  about: 'config.json and generation_config.json: what is taken is within its limits',
  mutator: jsonMutator(['eos_token_id', 'temperature', 'top_p', 'top_k', 'do_sample', 'num_beams', 'min_p']),
  maxBytes: 4000,
  shortInputs: 700,
  async open() {
    return {
      seeds: [
        json([
          { eos_token_id: 2, bos_token_id: 1 },
          { temperature: 0.7, top_p: 0.8, top_k: 20, do_sample: true, eos_token_id: [2, 3] },
        ]),
        json([{ eos_token_id: [2], num_beams: 4, temperature: 1 }]),
      ],
      attempt(input) {
        const value = jsonOf(input);
        const [first, second]: readonly unknown[] = Array.isArray(value) ? value : [];
        const isObject = (each: unknown): each is Record<string, unknown> =>
          typeof each === 'object' && each !== null;
        if (!isObject(first)) return { kind: 'refused', why: 'no object' };
        return refusedBy(() => {
          const read = parseGeneration(first, isObject(second) ? second : undefined, 100);
          const { endTokens, temperature, topK, topP, notApplied } = read;
          assert(
            endTokens.every((id) => Number.isInteger(id) && id >= 0 && id < 100),
            'An end token is none.',
          );
          assert(
            temperature > 0 && topK >= 0 && topK <= 100 && topP >= 0 && topP <= 1,
            'A setting is out of bounds.',
          );
          assert(
            notApplied.length <= 33 && notApplied.every((each) => each.length <= 120),
            'It names too much.',
          );
        }, ModelLoadError);
      },
    };
  },
};

const weightsIndex: FuzzTarget = {
  name: 'models/weights-index',
  about: 'model.safetensors.index.json: the files that it names are plain names of this folder',
  mutator: jsonMutator([
    'weight_map',
    'total_size',
    '../a.safetensors',
    'a/b.safetensors',
    '.safetensors',
    'CON.safetensors',
  ]),
  maxBytes: 4000,
  shortInputs: 700,
  async open() {
    return {
      seeds: [
        json({
          metadata: { total_size: 10 },
          weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
        }),
      ],
      attempt: (input) =>
        refusedBy(() => {
          const files = [...parseWeightsIndex(input).values()];
          assert(
            files.every((name) => isFileName(name) && !/[/\\]|^\.+$/.test(name)),
            'A name leads elsewhere.',
          );
          const total = totalOfIndex(input);
          assert(total === undefined || (Number.isSafeInteger(total) && total > 0), 'The size is none.');
        }, ModelLoadError),
    };
  },
};

const hashes: FuzzTarget = {
  name: 'models/hashes',
  about: 'a list of sha256sum',
  mutator: bytesMutator(['\n', '  ', ' *', 'a'.repeat(64), 'config.json', '../']),
  maxBytes: 2000,
  shortInputs: 500,
  async open() {
    return {
      seeds: [bytesOf(`${'ab'.repeat(32)}  config.json\n${'cd'.repeat(32)} *model.safetensors\r\n`)],
      attempt: (input) =>
        refusedBy(() => {
          for (const [name, hash] of parseHashes(textOf(input)))
            assert(isFileName(name) && /^[0-9a-f]{64}$/.test(hash), 'A line was taken that is none.');
        }, ModelLoadError),
    };
  },
};

const records: FuzzTarget = {
  name: 'models/download-records',
  about: 'the records beside a downloaded model, which a crash may have torn: read, or as if there were none',
  mutator: jsonMutator(['vouched', 'validator', 'hashes', 'files', '../x', 'url']),
  maxBytes: 4000,
  shortInputs: 500,
  async open() {
    const root = `0x${'01'.repeat(32)}`;
    return {
      seeds: [
        json({
          url: 'https://a.example/',
          vouched: true,
          size: 5,
          validator: '"x"',
          sha256: 'ab'.repeat(32),
        }),
        json({
          root,
          vouched: 'caller',
          total: 9,
          hashes: { 'a.json': 'ab'.repeat(32) },
          files: ['a.json'],
          url: null,
          name: 'b',
        }),
        json({ url: 'https://a.example/', files: ['tokenizer.json'] }),
      ],
      async attempt(input) {
        const names = ['a.state', 'starling-record.json', 'starling-absent.json'];
        const files = new Map(names.map((name) => [name, new Uint8Array(input)]));
        const store = openMemoryFileStore({ files });
        const [state, record, absent] = [
          await readState(store, 'a'),
          await readRecord(store),
          await readAbsentFiles(store, 'https://a.example/'),
        ];
        assert([...absent, ...(record?.files ?? [])].every(isFileName), 'A name leads elsewhere.');
        assert(state?.size === undefined || state.size >= 0, 'A size is none.');
        return (state ?? record) ? ACCEPTED : { kind: 'refused', why: 'no record' };
      },
    };
  },
};

const verdict: FuzzTarget = {
  name: 'models/verdict',
  about: 'a verdict of the frozen judge; what is taken reads back the same',
  mutator: jsonMutator(),
  maxBytes: 4000,
  shortInputs: 500,
  async open() {
    const hash = `0x${'ab'.repeat(32)}`;
    const pin = { runtime: 'onnxruntime-web 1.30.0', wasm: hash, threads: 1, model: hash };
    return {
      seeds: [json({ pin, prompt: [1, 2], answer: [3], logprobs: [-0.5], score: -0.5, logits: hash })],
      attempt(input) {
        const value = jsonOf(input);
        return refusedBy(() => {
          const read = parseVerdict(value);
          assert(isDeepStrictEqual(parseVerdict(read), read), 'It reads back otherwise.');
        }, VerdictError);
      },
    };
  },
};

export const modelTargets: readonly FuzzTarget[] = [
  ...modelFileTargets,
  tokenizer,
  begin,
  template,
  pattern,
  generation,
  weightsIndex,
  hashes,
  records,
  verdict,
];
