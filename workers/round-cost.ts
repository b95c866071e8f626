/** What a round of a swarm takes on a device, predicted before anything is fetched. Pure. */
import type { DecoderConfig } from '../models/decoder/config.ts';
import { PROJECTIONS } from '../models/decoder/lora/adapters.ts';
import { predictFrozenMemory, predictTrainedMemory } from '../models/decoder/memory.ts';
import type { SwarmSpec } from '../protocol/swarm-spec.ts';
import { memoryFit } from './memory-fit.ts';

/** What a round of a swarm takes on this device, predicted. */
export interface SwarmCost {
  /** Seconds of computing a round; null while this device has not been measured. */
  readonly seconds: number | null;
  /** Seconds that a round lasts, by the swarm's schedule. */
  readonly roundSeconds: number;
  /** Peak of memory in bytes. */
  readonly memory: number;
  readonly fit: 'good' | 'tight' | 'stop';
  /** Bytes to fetch before the first round. */
  readonly download: number;
}

export interface CostOptions {
  readonly spec: SwarmSpec;
  readonly config: DecoderConfig;
  /** Number of the model's parameters. */
  readonly parameters: number;
  /** Bytes of the model's files that are not on this device. */
  readonly modelBytes: number;
  /** Training speed in GFLOP/s; null while not measured. */
  readonly speed: number | null;
  /** What the browser says, in GiB. */
  readonly deviceMemory: number | undefined;
}

/** Tokens of a prompt, by rule of thumb. A longer prompt costs less than an answer's token does. */
const PROMPT_TOKENS = 48;
/** Answers that go through the model together in a training step or while it answers. */
const ROWS = 8;
/** Critiques and corrections that a device writes a round: of two peers' answers to four questions each. */
const CRITIQUES = 16;
/** The share of the training speed that generating reaches, one token of a few rows at a time. */
const DECODING = 0.25;
/** The page, its engines and libp2p, in bytes. */
const PROGRAM_BYTES = 120_000_000;

/** Predicts time, memory and download of a round. A prediction, not a promise: the page says "about". */
export function predictCost(options: CostOptions): SwarmCost {
  const { spec, config, parameters, modelBytes, speed, deviceMemory } = options;
  const { round, trained, tasks } = spec;
  const { answerSeconds, critiqueSeconds, voteSeconds } = spec.schedule;
  const length = Math.min(config.context, PROMPT_TOKENS + round.answerTokens);
  const rows = Math.min(ROWS, round.itemsAnswered * round.samplesPerItem);
  const use = {
    positions: Math.min(config.context, 2 * PROMPT_TOKENS + round.answerTokens + round.critiqueTokens),
    generate: { batch: rows, positions: length, prompt: Math.min(PROMPT_TOKENS, length - 1) },
  };
  const parts =
    trained.kind === 'full'
      ? predictTrainedMemory(config, { ...use, train: { batch: rows, length } })
      : predictFrozenMemory(config, {
          ...use,
          train: { batch: rows, length, recompute: true },
          lora: { rank: trained.rank, alpha: trained.alpha, targets: knownTargets(trained.targets) },
        });
  const fit = memoryFit({ parts, engine: 'auto', deviceMemory });
  const answers = round.itemsAnswered * round.samplesPerItem;
  const generated =
    answers * round.answerTokens + CRITIQUES * round.critiqueTokens + round.heldOutItems * round.answerTokens;
  const read = (answers / round.samplesPerItem + CRITIQUES + round.heldOutItems) * PROMPT_TOKENS;
  // As many answers of others as own ones. A pass forward takes 2 operations a parameter and token, training
  // 6.
  const flops = 2 * parameters * (generated / DECODING + read) + 6 * parameters * 2 * answers * length;
  return {
    seconds: speed === null ? null : Math.max(1, flops / (speed * 1e9)),
    roundSeconds: answerSeconds + critiqueSeconds + voteSeconds,
    memory: fit.need + PROGRAM_BYTES,
    fit: fit.level,
    download: modelBytes + tasks.dataSets.reduce((sum, { file }) => sum + file.size, 0),
  };
}

function knownTargets(targets: readonly string[]) {
  const known = PROJECTIONS.filter((projection) => targets.includes(projection));
  return known.length === 0 ? PROJECTIONS : known;
}
