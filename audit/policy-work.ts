/**
 * The recipe of reinforcement steps. Answers are sampled with a key/value cache. Each token is compared with
 * the right token at its place, which gives its credit. The group's mean and deviation turn credits into
 * advantages, and the decoder's training program takes a step with them. All of this consists of operators,
 * so a wrong draw, token or reward is a slot of the trace like a wrong sum.
 *
 * Only `embed` selects rows by index, and it moves f32 rows. Only `sample` outputs u32. So tokens are
 * represented by one-hot rows: `embed` of the identity matrix makes them, `cache.write` puts them in their
 * places of the batch, and a greedy `sample` converts them back.
 */

import { canon } from '../compute/repops/arithmetic.ts';
import { recip } from '../compute/repops/functions.ts';
import type { Program } from '../compute/repops/program.ts';
import { RecipeBuilder, type Words } from '../compute/repops/recipe.ts';
import { ProgramBuilder } from '../models/decoder/builder.ts';
import { decodeProgram, trainingProgram } from '../models/decoder/decoder.ts';
import { must } from '../protocol/must.ts';
import { RandomStream } from '../protocol/philox.ts';
import { type CompletionTokenizer, promptTokens } from '../training/completion-tokenizer.ts';
import { answerPrompt } from '../training/prompts.ts';
import { seedBytes } from '../training/round-seed.ts';
import { chosenGenerators, NANO_SELECTION } from '../training/tasks/catalogue.ts';
import { type PolicyWork, type RunSpec, RunSpecError } from './run-spec.ts';
import { characterTokenizer } from './supervised-work.ts';
import { declareModel, hyperOf, type PlannedWork, rowPositions } from './work.ts';

/** Questions drawn for one item before the specification counts as one that no question fits. */
const MAX_DRAWS = 4096;
const NANO_GENERATORS = chosenGenerators(NANO_SELECTION.generators);
/** Added to the variance of a group's credits. When all credits are equal, the advantages are then 0. */
const VARIANCE_FLOOR = canon(1e-4);

interface Sizes {
  readonly rows: number;
  /** Places per row of the training batch. Every token but the last predicts one token. */
  readonly length: number;
  readonly vocabulary: number;
}

/** Puts the one-hot rows of `ids` in their place of the training batch's tokens. */
function tokenProgram({ rows, length, vocabulary }: Sizes): Program {
  const b = new ProgramBuilder();
  const hot = b.bound('hot', [rows, vocabulary]);
  const ids = b.bound('ids', [rows], 'u32');
  b.node(
    'embed',
    { N: rows, V: vocabulary, D: vocabulary },
    [ids, b.bound('identity', [vocabulary, vocabulary])],
    [hot],
  );
  const all = b.bound('tokens.hot', [rows * length, vocabulary]);
  const at = b.bound('at', [rows], 'u32');
  b.node('cache.write', { B: rows, Tk: length, D: vocabulary }, [all, hot, at], [all]);
  return b.build('token');
}

/** Makes one-hot rows of sampled ids. */
function hotProgram({ rows, vocabulary: V }: Sizes): Program {
  const b = new ProgramBuilder();
  const hot = b.bound('hot', [rows, V]);
  b.node('embed', { N: rows, V, D: V }, [b.bound('ids', [rows], 'u32'), b.bound('identity', [V, V])], [hot]);
  return b.build('hot');
}

/**
 * Credits a sampled token: 1 when right. Writes target, weight and log-probability to the place before the
 * token.
 */
function rewardProgram({ rows, length, vocabulary: V }: Sizes): Program {
  const b = new ProgramBuilder();
  const hot = b.bound('hot', [rows, V]);
  const answer = b.bound('answer', [rows], 'u32');
  // Reads the entry of the one-hot row at the right token, which is 1 or 0.
  b.node(
    'xent.logprob',
    { N: rows, V },
    [hot, b.bound('zeros', [rows]), answer],
    [b.bound('credit', [rows])],
  );
  const at = b.bound('at', [rows], 'u32');
  const put = (name: string, width: number, from: string) => {
    const all = b.bound(name, [rows * length, width]);
    b.node('cache.write', { B: rows, Tk: length, D: width }, [all, from, at], [all]);
  };
  put('targets.hot', V, hot);
  put('weights', 1, b.bound('alive', [rows, 1]));
  put('oldLogprobs', 1, b.bound('logprob', [rows, 1]));
  return b.build('reward');
}

/** (credit - mean) / deviation within each group. `credit` has one row for each item. */
function advantageProgram(work: PolicyWork): Program {
  const { items: M, samples: G } = work;
  const b = new ProgramBuilder();
  const centred = b.temporary('centred', [M, G]);
  const rstd = b.temporary('rstd', [M]);
  const advantage = b.bound('advantage', [M, G]);
  b.node(
    'matmul',
    { M, N: G, K: G, transposeA: 0, transposeB: 0 },
    [b.bound('credit', [M, G]), b.bound('centre', [G, G])],
    [centred],
  );
  b.node('rms.rstd', { N: M, D: G, invD: recip(G), eps: VARIANCE_FLOOR }, [centred], [rstd]);
  b.node('rms.apply', { N: M, D: G }, [centred, rstd, b.bound('unit', [G])], [advantage]);
  return b.build('advantage');
}

/** Writes a row's advantage to its place. Sets the next place's weight to 0 when the row has ended. */
function advanceProgram({ rows, length, vocabulary: V }: Sizes): Program {
  const b = new ProgramBuilder();
  const at = b.bound('at', [rows], 'u32');
  const all = b.bound('advantages', [rows * length, 1]);
  b.node('cache.write', { B: rows, Tk: length, D: 1 }, [all, b.bound('advantage', [rows, 1]), at], [all]);
  const goesOn = b.temporary('goesOn', [rows, 1]);
  const flat = b.temporary('flat', [rows]);
  const alive = b.bound('alive', [rows, 1]);
  const next = b.bound('next', [rows, 1]);
  b.node(
    'embed',
    { N: rows, V, D: 1 },
    [b.bound('ids', [rows], 'u32'), b.bound('goesOnAfter', [V, 1])],
    [goesOn],
  );
  // Adding zeros changes no bit. It turns the column of factors into a row.
  b.node('add', { len: rows }, [goesOn, b.bound('zeros', [rows])], [flat]);
  b.node('rms.apply', { N: rows, D: 1 }, [alive, flat, b.bound('one', [1])], [next]);
  return b.build('step on');
}

/** Converts one-hot rows to token ids: the first maximum of each row, and 0 for a row of zeros. */
function readProgram({ rows, length, vocabulary: V }: Sizes): Program {
  const N = rows * length;
  const b = new ProgramBuilder();
  const uniform = b.bound('noDraw', [N]);
  for (const name of ['tokens', 'targets']) {
    b.node(
      'sample',
      { N, V, invTemperature: 1, greedy: 1 },
      [b.bound(`${name}.hot`, [N, V]), uniform],
      [b.bound(name, [N], 'u32'), b.temporary(`${name}.certainty`, [N])],
    );
  }
  return b.build('read');
}

function fill(length: number, value: number): Float32Array {
  return new Float32Array(length).fill(value);
}

interface Item {
  readonly prompt: readonly number[];
  /** The answer and its end token, which is repeated up to the answer's length. */
  readonly answer: readonly number[];
}

function itemOf(
  spec: RunSpec,
  work: PolicyWork,
  tokenizer: CompletionTokenizer,
  step: number,
  item: number,
): Item {
  const seed = seedBytes(spec.seed);
  const stream = RandomStream.named({ seed, round: spec.start.step + step, device: '', purpose: 'items' });
  const draws = stream.sequence(item);
  for (let attempt = 0; attempt < MAX_DRAWS; attempt++) {
    const { task, difficulties } = draws.pick(NANO_GENERATORS);
    const difficulty = draws.pick(difficulties);
    const question = task.sample({ seed, index: draws.word(), difficulty });
    const prompt = promptTokens(tokenizer, answerPrompt(question.prompt));
    const answer = [...tokenizer.encode(question.answer), tokenizer.endToken];
    if (prompt.length !== work.promptLength || answer.length > work.answerLength) continue;
    while (answer.length < work.answerLength) answer.push(tokenizer.endToken);
    return { prompt, answer };
  }
  throw new RunSpecError(
    `No question has a prompt of ${work.promptLength} tokens and an answer of at most ${work.answerLength}: use other lengths.`,
  );
}

/** Plans reinforcement steps. Throws RunSpecError when no question has the lengths of the work. */
export function planPolicy(spec: RunSpec, work: PolicyWork): PlannedWork {
  const { config } = spec;
  const { items, samples, promptLength, answerLength } = work;
  const sizes = {
    rows: items * samples,
    length: promptLength + answerLength - 1,
    vocabulary: config.vocabulary,
  };
  const { rows, length, vocabulary: V } = sizes;
  const N = rows * length;
  const tokenizer = characterTokenizer();

  const b = new RecipeBuilder();
  declareModel(b, config);
  for (let p = 0; p < promptLength; p++) b.data(`prompt.${p}`, [rows], 'u32');
  for (let a = 0; a < answerLength; a++) {
    b.data(`answer.${a}`, [rows], 'u32');
    b.data(`draw.${a}`, [4], 'u32');
  }
  b.fixed('positions', [N], rowPositions(rows, length));
  for (let p = 0; p < length; p++) b.fixed(`at.${p}`, [rows], new Uint32Array(rows).fill(p));
  b.fixed(
    'identity',
    [V, V],
    Float32Array.from({ length: V * V }, (_, i) => (i % (V + 1) === 0 ? 1 : 0)),
  );
  b.fixed('centre', [samples, samples], centring(samples));
  b.fixed('unit', [samples], fill(samples, 1));
  b.fixed('one', [1], fill(1, 1));
  b.fixed('ones', [N], fill(N, 1));
  b.fixed('zeros', [rows], fill(rows, 0));
  b.fixed('noDraw', [N], fill(N, 0));
  b.fixed(
    'goesOnAfter',
    [V, 1],
    Float32Array.from({ length: V }, (_, id) => (id === tokenizer.endToken ? 0 : 1)),
  );
  // Every row has the same weight, however many tokens it used: no division by a sampled length (arXiv
  // 2503.20783).
  b.fixed('alive.0', [rows, 1], fill(rows, canon(1 / (rows * answerLength))));
  for (const name of ['weights', 'advantages', 'oldLogprobs']) b.fixed(name, [N], fill(N, 0));
  for (const name of ['tokens.hot', 'targets.hot']) b.fixed(name, [N, V], fill(N * V, 0));
  const kvWidth = config.kvHeads * config.headDim;
  for (let layer = 0; layer < config.layers; layer++) {
    for (const kv of ['k', 'v']) b.fixed(`cache.${kv}.${layer}`, [N, kvWidth], fill(N * kvWidth, 0));
  }

  const decode = decodeProgram(config, {
    batch: rows,
    cacheLength: length,
    invTemperature: 1,
    greedy: false,
  });
  const token = tokenProgram(sizes);
  const reward = rewardProgram(sizes);
  const advantage = advantageProgram(work);
  const advance = advanceProgram(sizes);
  for (let p = 0; p < length; p++) {
    // Token p is read and token p + 1 is sampled. Before the prompt's last token the sample is ignored.
    const a = p + 1 - promptLength;
    const ids = p < promptLength ? `prompt.${p}` : `at.${p - 1}.ids`;
    const label = `at.${p}.`;
    b.run(token, { label, rename: { ids, at: `at.${p}` } });
    let uniform = 'zeros';
    if (a >= 0) {
      uniform = b.between(`${label}uniform`, [rows]);
      b.draw(`draw.${a}`, uniform);
    }
    b.run(decode, { label, rename: { tokens: ids, positions: `at.${p}`, uniform } });
    if (a < 0) continue;
    const drawn = `${label}drawn.`;
    const shared = { at: `at.${p}`, alive: `alive.${a}`, ids: `${label}ids`, logprob: `${label}logprob` };
    b.run(hotProgram(sizes), { label: drawn, rename: { ids: shared.ids } });
    b.run(reward, { label: drawn, rename: { ...shared, hot: `${drawn}hot`, answer: `answer.${a}` } });
    b.run(advantage, { label: drawn, rename: { credit: `${drawn}credit` } });
    const next = b.between(`alive.${a + 1}`, [rows, 1]);
    b.run(advance, { label: drawn, rename: { ...shared, advantage: `${drawn}advantage`, next } });
  }
  b.run(readProgram(sizes));
  b.run(
    trainingProgram(config, {
      batch: rows,
      length,
      objective: 'policy',
      optimizer: spec.optimizer,
      policy: work.clip,
    }),
  );

  const hyper = hyperOf(spec);
  return {
    recipe: b.build(),
    *given(step) {
      const questions: Item[] = [];
      for (let item = 0; item < items; item++) {
        questions.push(itemOf(spec, work, tokenizer, step, item));
        yield undefined;
      }
      const column = (pick: (item: Item) => number) =>
        Uint32Array.from({ length: rows }, (_, row) => pick(must(questions, Math.floor(row / samples))));
      const given = new Map<string, Words>([['hyper', hyper(step)]]);
      for (let p = 0; p < promptLength; p++)
        given.set(
          `prompt.${p}`,
          column(({ prompt }) => must(prompt, p)),
        );
      const { key } = RandomStream.named({
        seed: seedBytes(spec.seed),
        round: spec.start.step + step,
        device: '',
        purpose: 'sampling',
      });
      for (let a = 0; a < answerLength; a++) {
        given.set(
          `answer.${a}`,
          column(({ answer }) => must(answer, a)),
        );
        // The draw of row r's token a has the address (item 0, sample a, position r).
        given.set(`draw.${a}`, Uint32Array.of(...key, 0, a));
      }
      return given;
    },
  };
}

/** The matrix that subtracts the mean of a row. It is exact in bf16, since sizes are powers of two. */
function centring(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) =>
    i % (size + 1) === 0 ? 1 - 1 / size : -1 / size,
  );
}
