/** Names of the contract's errors; `Panic` is an access past the end of a list. */
export type Reason =
  | 'WrongBond'
  | 'BadTerms'
  | 'NotAsCommitted'
  | 'WindowClosed'
  | 'WindowOpen'
  | 'GamesLive'
  | 'AlreadyDecided'
  | 'NotYourMove'
  | 'StillInTime'
  | 'OutOfTime'
  | 'DoesNotHash'
  | 'WrongFrontier'
  | 'NotOpened'
  | 'NothingToWithdraw'
  | 'Panic';

/** A move that does not count, by the name of the contract's error. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(`The move is refused: ${reason}.`);
    this.reason = reason;
  }
}

/** Throws Refusal unless the condition holds. */
export function must(condition: boolean, reason: Reason): asserts condition {
  if (!condition) throw new Refusal(reason);
}

/** An element of a list that somebody sent. Throws Refusal when the list is too short. */
export function listed<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Refusal('Panic');
  return found;
}
