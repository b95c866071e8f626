export type ParsedSteps =
  | { readonly kind: 'help' }
  | { readonly kind: 'unknown'; readonly name: string }
  | { readonly kind: 'run'; readonly names: readonly string[]; readonly rest: readonly string[] };

export function parseSteps(
  argv: readonly string[],
  known: { readonly steps: readonly string[]; readonly withArguments: readonly string[] },
): ParsedSteps;
