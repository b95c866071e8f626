/** A round in the feed: its tasks, the answers to them, and what was learnt. */
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { ShownRoundEvent } from './volunteer-events.ts';

type Prompt = Extract<ShownRoundEvent, { readonly kind: 'prompts' }>['prompts'][number];

export interface FeedAnswer {
  readonly author: DeviceAddress;
  readonly own: boolean;
  /** Place among the author's answers to the item. */
  readonly sample: number;
  /** Reasoning and answer as the model wrote them. */
  readonly text: string;
  /** What the checker read and gave; null until it has. */
  readonly graded: {
    /** 0 to 1. */
    readonly reward: number;
    /** The answer that the text ends with. */
    readonly answer: string;
    /** Why the reward is what it is. */
    readonly sentence: string;
  } | null;
  readonly critiques: readonly {
    readonly critic: DeviceAddress;
    readonly text: string;
    readonly right: boolean;
  }[];
  readonly votes: number;
}

export interface FeedItem extends Prompt {
  readonly answers: readonly FeedAnswer[];
  /** This device's answer after it read the critiques. */
  readonly correction: string | null;
}

/** What this device's model learnt from a round. */
export interface FeedLesson {
  /** Devices whose answers were trained on beside the own ones. */
  readonly foreign: number;
  readonly optimizerSteps: number;
  /** Mean checker score of the own answers, 0 to 1. */
  readonly meanReward: number;
  /** After the round, 0 to 1. */
  readonly heldOutAccuracy: number;
}

export interface FeedRound {
  readonly round: number;
  readonly items: readonly FeedItem[];
  /** Null until this device has trained the round. */
  readonly lesson: FeedLesson | null;
}
