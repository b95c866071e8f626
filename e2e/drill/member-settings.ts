/** What members.ts and the processes of its members say to one another. */

/** What a process of members is started with. */
export interface MemberProcessSettings {
  /** Numbers of the members in this process. */
  readonly from: number;
  readonly to: number;
  /** Members of the whole drill, whose keys follow from their numbers. */
  readonly members: number;
  readonly relays: readonly string[];
  readonly roundSeconds: number;
  /** Members beyond which a cohort is halved. */
  readonly cohort: number;
}

/** What a process of members tells its parent. */
export type MemberReport =
  | { readonly kind: 'attested'; readonly member: number; readonly round: number }
  | { readonly kind: 'acked'; readonly member: number; readonly round: number }
  | { readonly kind: 'failed'; readonly member: number; readonly cause: string }
  | {
      readonly kind: 'state';
      readonly heard: number;
      readonly cpuMs: number;
      readonly rssMiB: number;
      /** Of each member here: its cohort, how many it has heard in it, and its connections. */
      readonly members: readonly {
        readonly cohort: string;
        readonly size: number;
        readonly degree: number;
      }[];
    };

/**
 * What is settled of the drill's network: it has no chain, and each process has its relays from its settings.
 */
export const DRILL_NETWORK = {
  chainId: 31337,
  contracts: { participation: '0x0000000000000000000000000000000000000d11' },
  swarm: 0,
  iceServers: [],
  local: true,
} as const;
