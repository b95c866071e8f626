/**
 * What a member must know to take part in a swarm, and nothing that changes. Whoever starts a swarm publishes
 * it on the chain, and its CID names it.
 */
import type { Hex } from './hex.ts';

/** A file by its content. `urls` are where a member may fetch it; members also serve it to one another. */
export interface SourceFile {
  /** Path inside the model's folder or the data set's own name, with slashes. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: Hex;
  readonly urls: readonly string[];
  /**
   * CIDv1 (raw, sha2-256) of the manifest of a file of more than 1 MiB, by which members pass it on in chunks
   * (protocol/file-manifest.ts). A smaller file is passed on by its SHA-256, and has none.
   */
  readonly manifest?: string;
}

/** The model that a swarm starts from. The root is what counts, not the place that the files come from. */
export type BaseModel =
  | { readonly kind: 'builtin'; readonly name: string; readonly root: Hex }
  | {
      readonly kind: 'files';
      readonly name: string;
      readonly root: Hex;
      readonly files: readonly SourceFile[];
      /**
       * The root of the weights as adapters are trained beside them (docs/checkpoint.md). With it a member of
       * a swarm in blocks reads only what its blocks need. Left out where nobody has worked it out.
       */
      readonly frozenRoot?: Hex;
    };

/** Which weights are trained: all of them, or adapters beside frozen ones (LoRA, arXiv 2106.09685). */
export type TrainedPart =
  | { readonly kind: 'full' }
  | {
      readonly kind: 'adapters';
      readonly rank: number;
      readonly alpha: number;
      /** Names of projections, such as `q_proj`. */
      readonly targets: readonly string[];
    };

/**
 * How a swarm trains a model that no member holds whole: the model is cut into parameter blocks, and members
 * keep some of them each. Embedding and head are blocks of their own.
 */
export interface BlockSettings {
  /** Layers of a block. The first blocks have one fewer where the layers cannot be shared out equally. */
  readonly layersPerBlock: number;
  /** Blocks of layers that each microbatch leaves out (SkipPipe, arXiv 2502.19913). 0 for none. */
  readonly skipped: number;
  /** Every so manieth step visits all blocks. 0 for never. */
  readonly fullEvery: number;
  /** Microbatches of a step. */
  readonly microbatches: number;
  /** Rows of a microbatch. */
  readonly rows: number;
  /** Tokens of a row. */
  readonly length: number;
  /** How what passes from block to block is rounded ([B-16] of docs/blocks.md). */
  readonly boundary: 'f32' | 'bf16' | 'int8';
  /**
   * Parts that the tables of the vocabulary are cut into, each in a block, beside adapters. Left out for
   * whole tables.
   */
  readonly vocabularyParts?: number;
}

/** Tasks of the catalogue that a swarm draws from. */
export interface GeneratorEntry {
  readonly id: string;
  readonly version: number;
  /** Indices into the task's difficulties. */
  readonly difficulties: readonly number[];
}

/**
 * How an answer is checked. A checker is data: everyone computes the same reward, and no code of a stranger
 * runs.
 */
export type Checker =
  | { readonly kind: 'exact'; readonly ignoreCase: boolean }
  /** The last number of the answer, exactly as a decimal fraction. */
  | { readonly kind: 'number' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** The same elements in any order. */
  | { readonly kind: 'set'; readonly separator: string }
  /** The whole answer matches, by an engine without backtracking (RE2's syntax). */
  | { readonly kind: 'pattern' }
  | { readonly kind: 'json' };

/** Questions from a JSONL file. */
export interface DataSetEntry {
  /** Names the tasks of this data set in messages and pages. */
  readonly id: string;
  readonly file: SourceFile;
  readonly fields: { readonly prompt: string; readonly answer: string };
  /** One in this many questions is held out: evaluated on, never trained on. */
  readonly heldOutOneIn: number;
  readonly checker: Checker;
}

/** The tasks of a swarm: at least one generator or data set. */
export interface TaskSelection {
  readonly generators: readonly GeneratorEntry[];
  readonly dataSets: readonly DataSetEntry[];
}

/** The numbers of a round that every member shares. A slow device may answer and sample less. */
export interface RoundNumbers {
  readonly itemsPerRound: number;
  readonly itemsAnswered: number;
  readonly samplesPerItem: number;
  readonly temperature: number;
  /** Most tokens of an answer. */
  readonly answerTokens: number;
  /** Most tokens of a critique or a correction. */
  readonly critiqueTokens: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly stepsPerRound: number;
  readonly weightDecay: number;
  readonly heldOutItems: number;
}

/** Lengths of a round's stages in seconds. */
export interface RoundSchedule {
  readonly answerSeconds: number;
  readonly critiqueSeconds: number;
  readonly voteSeconds: number;
}

/** A swarm’s specification. `encodeSwarmSpec` gives its canonical bytes and its CID. */
export interface SwarmSpec {
  readonly version: 1;
  readonly name: string;
  /** One line for people. */
  readonly description: string;
  /** BCP 47, such as `en`. */
  readonly language: string;
  /** The account that started the swarm. */
  readonly startedBy: Hex;
  /** Unix time in seconds. */
  readonly startedAt: number;
  readonly base: BaseModel;
  readonly trained: TrainedPart;
  /**
   * `one`: all members start from the base. `any`: members bring models of their own, and share only text.
   */
  readonly models: 'one' | 'any';
  readonly tasks: TaskSelection;
  readonly round: RoundNumbers;
  readonly schedule: RoundSchedule;
  /** Members train one model in parameter blocks. Left out where each member has the whole model. */
  readonly blocks?: BlockSettings;
}
