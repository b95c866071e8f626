/** An expected answer does not suit its checker. */
export class CheckerError extends Error {
  override readonly name = 'CheckerError';
  readonly problem: string;
  /** A sentence. */
  readonly remedy: string;

  constructor(problem: string, remedy: string) {
    super(`${problem}. ${remedy}`);
    this.problem = problem;
    this.remedy = remedy;
  }
}
