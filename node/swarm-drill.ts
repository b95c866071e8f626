/**
 * The rehearsal of a swarm with a real model: members in this process train adapters beside the same base for
 * some rounds, and the seconds and memory of each stage are measured. Nothing goes over a network.
 */

import type { WasmEngine } from '../compute/engines/wasm/engine.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { DEFAULT_LORA, type LoraOptions } from '../models/decoder/lora/adapters.ts';
import { frozenRoot } from '../models/decoder/lora/frozen-root.ts';
import { type MemoryPrediction, predictFrozenMemory } from '../models/decoder/memory.ts';
import { folderSource } from '../models/loading/folder-source.ts';
import { type OpenedModel, openModel } from '../models/loading/open-model.ts';
import { type DeviceAddress, type Hex, toHex } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import { sha256Of } from '../protocol/sha256-of.ts';
import type { DataSetEntry } from '../protocol/swarm-spec.ts';
import type { PeerJudgements, PeerRollouts, RoundContext } from '../protocol/trainer.ts';
import { encodeRollouts } from '../swarm/messages/rollouts.ts';
import { firstAdapters } from '../training/learning-checkpoint.ts';
import { DEFAULT_SETTINGS, type LearningSettings } from '../training/learning-settings.ts';
import { modelFormat } from '../training/model-format.ts';
import type { PromptFormat } from '../training/prompt-format.ts';
import { openTasks, type TaskSource } from '../training/tasks/task-source.ts';
import { LearningTrainer } from '../training/trainer.ts';

export interface DrillOptions {
  /** A folder with a model in Hugging Face's files, with a chat template. */
  readonly model: string;
  /** Defaults to 2. */
  readonly members?: number;
  /** Defaults to 2. */
  readonly rounds?: number;
  /** Questions that each member answers in a round. Defaults to 4. */
  readonly items?: number;
  /** Answers to each question. Defaults to 4. */
  readonly samples?: number;
  /** Tokens of an answer. Defaults to 64. */
  readonly tokens?: number;
  /** Tokens of a critique and of a correction. Defaults to 32. */
  readonly critiqueTokens?: number;
  /** Held-out questions after each round. Defaults to 2. */
  readonly heldOut?: number;
  /** Defaults to rank 8 on all projections. */
  readonly lora?: LoraOptions;
  /** Threads of each member's engine. Defaults to 2. */
  readonly threads?: number;
  /** Called after each stage. */
  readonly onStage?: (stage: DrillStage) => void;
  readonly signal?: AbortSignal;
}

export interface DrillStage {
  readonly member: number;
  /** Undefined before the first round. */
  readonly round?: number;
  readonly stage: 'load' | 'answer' | 'critique' | 'vote' | 'train';
  readonly seconds: number;
  /** Seconds of processor time of all threads. */
  readonly cpuSeconds: number;
  /** New tokens that were generated for publication. */
  readonly tokens: number;
  /** Peak of what the member's engine held until the end of the stage, in bytes. */
  readonly peakBytes: number;
}

export interface DrillResult {
  readonly stages: readonly DrillStage[];
  /** What a member's engine was predicted to hold at most. */
  readonly predicted: MemoryPrediction;
  /** Most bytes that a member's engine held. */
  readonly peakBytes: number;
  /** Most bytes of this process, all members together. */
  readonly peakResidentBytes: number;
  /** Each member's roots: the first, then one after each round. */
  readonly roots: readonly (readonly Hex[])[];
  readonly optimizerSteps: number;
  /** Bytes of a published rollout set, the largest. */
  readonly rolloutBytes: number;
  /** Bytes of a checkpoint. */
  readonly checkpointBytes: number;
}

interface Member {
  readonly device: DeviceAddress;
  readonly engine: WasmEngine;
  readonly trainer: LearningTrainer;
}

/**
 * Runs the drill. Throws ModelLoadError and its like for a bad folder, TokenizerError for a model without a
 * chat template, and EngineMemoryError.
 */
export async function drill(options: DrillOptions): Promise<DrillResult> {
  const { members: count = 2, rounds = 2, lora = DEFAULT_LORA } = options;
  const signal = options.signal ?? new AbortController().signal;
  const model = await openModel(folderSource(options.model));
  const { entry, text } = drillQuestions();
  const tasks = await openTasks({ generators: [], dataSets: [entry] }, new Map([[entry.id, text]]));
  const settings = settingsOf(options, entry);
  const { endTokens } = model.generation;
  const format = modelFormat({ tokenizer: model.tokenizer, endTokens, settings });
  const stages: DrillStage[] = [];
  const members: Member[] = [];
  const measure = async <T>(
    at: Pick<DrillStage, 'member' | 'round' | 'stage'>,
    engine: WasmEngine,
    work: () => Promise<{ readonly value: T; readonly tokens: number }>,
  ): Promise<T> => {
    const [begun, cpu] = [performance.now(), process.cpuUsage()];
    const { value, tokens } = await work();
    const used = process.cpuUsage(cpu);
    const stage: DrillStage = {
      ...at,
      seconds: (performance.now() - begun) / 1000,
      cpuSeconds: (used.user + used.system) / 1e6,
      tokens,
      peakBytes: engine.memory().peak,
    };
    stages.push(stage);
    options.onStage?.(stage);
    return value;
  };
  try {
    const base = await frozenRoot(model.config, model.weights, { signal });
    for (let member = 0; member < count; member++) {
      const engine = await createWasmEngine({ threads: options.threads ?? 2 });
      const device = `0x${(member + 1).toString(16).padStart(40, '0')}` as DeviceAddress;
      const trainer = await measure({ member, stage: 'load' }, engine, async () => ({
        value: await startMember({ model, engine, format, tasks, settings, base, lora, device }),
        tokens: 0,
      }));
      members.push({ device, engine, trainer });
    }
    const roots = members.map(({ trainer }) => [trainer.root]);
    let [optimizerSteps, rolloutBytes, checkpointBytes] = [0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      const contextOf = ({ device }: Member): RoundContext => ({ round, seed: seedOf(round), device });
      const published: PeerRollouts[] = [];
      for (const [member, each] of members.entries()) {
        const set = await measure({ member, round, stage: 'answer' }, each.engine, async () => {
          const value = await each.trainer.answer(contextOf(each), signal);
          return { value, tokens: tokensOf(value.groups.flatMap(({ completions }) => completions)) };
        });
        const { bytes, cid } = encodeRollouts(set);
        rolloutBytes = Math.max(rolloutBytes, bytes.length);
        published.push({ author: each.device, cid, set });
      }
      const critiques: PeerJudgements[] = [];
      for (const [member, each] of members.entries()) {
        const others = published.filter(({ author }) => author !== each.device);
        const judgements = await measure({ member, round, stage: 'critique' }, each.engine, async () => {
          const value = await each.trainer.critique(contextOf(each), others, signal);
          return { value, tokens: value.length * settings.critiqueTokens };
        });
        critiques.push({ critic: each.device, standing: { kind: 'known' }, judgements });
      }
      for (const [member, each] of members.entries()) {
        await measure({ member, round, stage: 'vote' }, each.engine, async () => {
          const value = await each.trainer.vote(contextOf(each), published, critiques, signal);
          return { value, tokens: value.corrections.length * settings.critiqueTokens };
        });
      }
      for (const [member, each] of members.entries()) {
        const others = published.filter(({ author }) => author !== each.device);
        const outcome = await measure({ member, round, stage: 'train' }, each.engine, async () => ({
          value: await each.trainer.train(contextOf(each), must(published, member), others, signal),
          tokens: 0,
        }));
        optimizerSteps += outcome.optimizerSteps;
        checkpointBytes = Math.max(checkpointBytes, outcome.checkpoint.length);
        must(roots, member).push(outcome.checkpointRoot);
      }
    }
    return {
      stages,
      predicted: predictionOf(model, { settings, format, tasks, lora }),
      peakBytes: Math.max(...stages.map(({ peakBytes }) => peakBytes)),
      peakResidentBytes: process.resourceUsage().maxRSS * 1024,
      roots,
      optimizerSteps,
      rolloutBytes,
      checkpointBytes,
    };
  } finally {
    for (const { trainer, engine } of members) {
      await trainer.stop();
      await engine.stop();
    }
  }
}

function startMember(o: {
  readonly model: OpenedModel;
  readonly engine: WasmEngine;
  readonly format: PromptFormat;
  readonly tasks: TaskSource;
  readonly settings: LearningSettings;
  readonly base: Hex;
  readonly lora: LoraOptions;
  readonly device: DeviceAddress;
}): Promise<LearningTrainer> {
  const { engine, format, tasks, settings, base, lora, device } = o;
  const { config, weights } = o.model;
  let kept: Uint8Array | undefined;
  return LearningTrainer.start({
    ...{ engine, format, tasks },
    base: { weights, root: base },
    recompute: true,
    store: {
      load: async () => kept,
      save: async (file) => {
        kept = file;
      },
    },
    first: async () => firstAdapters({ config, lora, base, device, settings }),
  });
}

/** Rows of one optimizer step: a few, since the logits of a large vocabulary take most of its memory. */
const STEP_ROWS = 2;

function settingsOf(options: DrillOptions, entry: DataSetEntry): LearningSettings {
  const { items = 4, samples = 4, tokens = 64, critiqueTokens = 32, heldOut = 2 } = options;
  return {
    ...DEFAULT_SETTINGS,
    tasks: { generators: [], dataSets: [entry] },
    itemsPerRound: items,
    itemsAnswered: items,
    samplesPerItem: samples,
    mix: { own: 1, foreign: 1 },
    stepsPerRound: Math.ceil((2 * items) / STEP_ROWS),
    learningRate: 1e-4,
    warmupSteps: 0,
    fullBatch: STEP_ROWS,
    practicePrompts: 0,
    critiquePeers: 1,
    critiqueItems: items,
    heldOutItems: heldOut,
    answerTokens: tokens,
    critiqueTokens,
  };
}

/** What a member's engine holds at most: the largest of its steps and of the batches that it answers in. */
function predictionOf(
  model: OpenedModel,
  o: {
    readonly settings: LearningSettings;
    readonly format: PromptFormat;
    readonly tasks: TaskSource;
    readonly lora: LoraOptions;
  },
): MemoryPrediction {
  const { settings, format, tasks, lora } = o;
  const questions = [
    ...tasks.roundItems(new Uint8Array(32), settings.itemsPerRound),
    ...tasks.heldOutItems(64),
  ];
  const prompt = Math.max(...questions.map((item) => format.answer(item).length));
  const length = Math.ceil((prompt + settings.answerTokens - 1) / 8) * 8;
  return predictFrozenMemory(model.config, {
    positions: Math.min(model.config.context, 8192),
    lora,
    train: { batch: STEP_ROWS, length, recompute: true },
    generate: {
      batch: Math.ceil((settings.itemsAnswered * settings.samplesPerItem) / 8) * 8,
      positions: prompt + settings.answerTokens,
      prompt,
      prompts: settings.itemsAnswered,
    },
  });
}

function tokensOf(completions: readonly { readonly tokens: readonly number[] }[]): number {
  return completions.reduce((sum, { tokens }) => sum + tokens.length, 0);
}

/** The seed that a chain would give the round. */
function seedOf(round: number): Hex {
  return toHex(sha256Of(new TextEncoder().encode(`starling drill, round ${round}`)));
}

const QUESTIONS = 48;

/**
 * Word problems whose right answers end with a letter of the first half of the alphabet: random weights
 * answer no sum, and without a right answer there would be no step to measure.
 */
function drillQuestions(): { readonly entry: DataSetEntry; readonly text: string } {
  const things = ['starlings', 'nests', 'berries', 'fields', 'feathers', 'worms'];
  const lines = Array.from({ length: QUESTIONS }, (_, index) => {
    const [first, second] = [3 + ((index * 7) % 40), 2 + ((index * 11) % 30)];
    const thing = must(things, index % things.length);
    const prompt =
      `Anna counts ${first} ${thing} in the morning and ${second} more in the evening. ` +
      `On the next day she counts twice as many as on the first. How many ${thing} does she count in all?`;
    return JSON.stringify({ prompt, answer: '(?is).*[a-m]' });
  });
  const text = `${lines.join('\n')}\n`;
  const bytes = new TextEncoder().encode(text);
  return {
    text,
    entry: {
      id: 'drill',
      file: { path: 'drill.jsonl', size: bytes.length, sha256: toHex(sha256Of(bytes)), urls: [] },
      fields: { prompt: 'prompt', answer: 'answer' },
      heldOutOneIn: 8,
      checker: { kind: 'pattern' },
    },
  };
}

/** A stage as a line for people. */
export function stageLine({
  member,
  round,
  stage,
  seconds,
  cpuSeconds,
  tokens,
  peakBytes,
}: DrillStage): string {
  const rate = tokens === 0 ? '' : `, ${(tokens / seconds).toFixed(1)} tokens a second`;
  const place = round === undefined ? '' : `round ${round + 1}, `;
  return (
    `${place}member ${member + 1}, ${stage}: ${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of processor)${rate}, ` +
    `engine at most ${mebibytes(peakBytes)} MiB`
  );
}

/** The memory of a whole drill as lines for people. */
export function memoryLines({ predicted, peakBytes, peakResidentBytes }: DrillResult): readonly string[] {
  const difference = (100 * (peakBytes - predicted.total)) / predicted.total;
  return [
    `a member's engine: ${mebibytes(peakBytes)} MiB at most, ${mebibytes(predicted.total)} MiB predicted (${difference.toFixed(1)} % more)`,
    `the process with all members: ${mebibytes(peakResidentBytes)} MiB at most`,
  ];
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
