/** Why this program or this device cannot take part in a swarm. */
export interface SwarmRefusal {
  readonly kind:
    | 'unknown-task'
    | 'unknown-model'
    | 'wrong-root'
    | 'large-model'
    | 'large-data'
    | 'no-source'
    | 'unknown-blocks'
    | 'unfit-blocks';
  /** Such as `tasks.generators[2]`. */
  readonly field: string;
  /** For people, with what they can do. */
  readonly sentence: string;
}
