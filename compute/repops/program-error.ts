/**
 * A program, a node or a binding breaks the rules of docs/repops.md. The message names the place and the
 * remedy.
 */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}
