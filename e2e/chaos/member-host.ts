import type { ChaosReport } from './settings.ts';

/** What a member tells whoever runs the drill. */
export interface MemberHooks {
  readonly onReport: (report: ChaosReport) => void;
  /** It ended although nobody killed it. */
  readonly onEnded: (how: string) => void;
}

/** A member that runs: a process, or a tab. */
export interface RunningMember {
  /** Has these peers on the other side of a split from now on. */
  split(blocked: readonly string[]): void;
  /** Ends it without a farewell. Resolves when nothing of it is left. */
  kill(): Promise<void>;
}
