/** What passes between the drill and a member that learns, in a process of its own. */
import type { Network } from '../../../protocol/network-file.ts';

/** The member's one argument, as JSON. */
export interface LearnerSettings {
  /** With the number of the member's swarm. */
  readonly network: Network;
  /** Folder of this member. */
  readonly home: string;
  /** Folder of the model that the swarm starts from. */
  readonly model: string;
}

export type LearnerReport =
  | {
      readonly kind: 'trained';
      readonly round: number;
      /** Share of the member's own samples that are exactly right. */
      readonly reward: number;
      /** Share of the held-out questions that the trained model answers right. */
      readonly heldOut: number;
      /** Others whose samples it trained on. */
      readonly foreign: number;
    }
  | { readonly kind: 'failed'; readonly cause: string };
