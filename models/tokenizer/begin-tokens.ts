/** The token ids that a tokenizer puts before a text. */
import { TokenizerError } from './tokenizer-error.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** Tokenizer classes of transformers that put bos_token before a text unless the settings say otherwise. */
const LLAMA_CLASSES: readonly unknown[] = ['LlamaTokenizer', 'LlamaTokenizerFast'];

/**
 * The ids before each text, in order; empty when the tokenizer puts none there. `add_bos_token` of
 * tokenizer_config.json decides where it is given and bos_token is known, as in transformers. Otherwise the
 * post-processor of tokenizer.json does. Ids that a post-processor puts after a text are left out, since a
 * prompt is to be continued. Throws TokenizerError for a post-processor that names an unknown token.
 */
export function beginTokensOf(
  tokenizer: JsonObject,
  settings: JsonObject,
  o: {
    /** The text of bos_token. */
    readonly beginToken: string | undefined;
    readonly idOf: (token: string) => number;
    readonly knows: (id: number) => boolean;
  },
): readonly number[] {
  const { add_bos_token: add, tokenizer_class: kind } = settings;
  if (add === false) return [];
  const processor = objectOf(tokenizer.post_processor);
  const byClass = processor === undefined && LLAMA_CLASSES.includes(kind);
  if ((add === true || byClass) && o.beginToken !== undefined) return [o.idOf(o.beginToken)];
  const ids = processor === undefined ? [] : idsBefore(processor, 0);
  for (const id of ids) {
    if (!o.knows(id)) throw new TokenizerError(`tokenizer.json: post_processor has an unknown token ${id}`);
  }
  return ids;
}

/** Most processors inside one another. */
const DEPTH_LIMIT = 8;

function idsBefore(processor: JsonObject, depth: number): readonly number[] {
  if (depth > DEPTH_LIMIT) throw bad('is nested too deeply');
  switch (processor.type) {
    case 'Sequence':
      // Each processor works on the result of the one before, so the last one's ids stand first.
      return listOf(processor.processors)
        .toReversed()
        .flatMap((each) => idsBefore(objectOf(each) ?? {}, depth + 1));
    case 'TemplateProcessing':
      return idsOfTemplate(processor);
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const [, id] = listOf(processor.cls);
      return [idOf(id)];
    }
    default:
      return [];
  }
}

/** The special tokens of the template for one text, up to the text. */
function idsOfTemplate(processor: JsonObject): readonly number[] {
  const tokens = objectOf(processor.special_tokens) ?? {};
  const ids: number[] = [];
  for (const piece of listOf(processor.single)) {
    const special = objectOf(objectOf(piece)?.SpecialToken);
    if (special === undefined) break;
    const { id: name } = special;
    if (typeof name !== 'string' || !Object.hasOwn(tokens, name)) throw bad('names no special token');
    ids.push(...listOf(objectOf(tokens[name])?.ids).map(idOf));
  }
  return ids;
}

function idOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw bad('has a bad token id');
  return value;
}

/** Most entries of a list, which is untrusted. */
const LIST_LIMIT = 64;

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length > LIST_LIMIT) throw bad('has a bad list');
  return value;
}

function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined;
}

function bad(problem: string): TokenizerError {
  return new TokenizerError(`tokenizer.json: post_processor ${problem}; fetch the model again`);
}
