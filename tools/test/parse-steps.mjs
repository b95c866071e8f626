/**
 * Reads the command line of `npm test`: step names, or one step and arguments for its own tool.
 *
 * @param {readonly string[]} argv
 * @param {{ steps: readonly string[], withArguments: readonly string[] }} known every step in its order, and
 *   those whose tool takes arguments
 */
export function parseSteps(argv, { steps, withArguments }) {
  if (argv[0] === '--help' || argv[0] === '-h') return { kind: 'help' };
  const first = argv.findIndex((name) => !steps.includes(name));
  const named = first === -1 ? argv : argv.slice(0, first);
  const rest = first === -1 ? [] : argv.slice(first);
  const takesThem = named.length === 1 && withArguments.includes(named[0]);
  if (rest.length > 0 && !takesThem) return { kind: 'unknown', name: rest[0] };
  return { kind: 'run', names: steps.filter((name) => named.length === 0 || named.includes(name)), rest };
}
