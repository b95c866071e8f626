/** Names of the contract's errors. `Panic` is an access past the end of a list. */
export type RevertReason =
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

/** The contract would revert: the move does not count. */
export class MoveRevertError extends Error {
  override readonly name = 'MoveRevertError';
  readonly reason: RevertReason;

  constructor(reason: RevertReason) {
    super(`The move is refused: ${reason}.`);
    this.reason = reason;
  }
}

/** Throws MoveRevertError unless the condition holds. */
export function requireThat(condition: boolean, reason: RevertReason): asserts condition {
  if (!condition) throw new MoveRevertError(reason);
}

/** An element of a list that the sender gave. Throws MoveRevertError `Panic` if the list is too short. */
export function elementAt<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new MoveRevertError('Panic');
  return found;
}
