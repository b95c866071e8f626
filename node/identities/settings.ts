import { parseCommandLine, wholeNumber } from '../home/command-line.ts';

export const USAGE = `Usage: npm run simulate -- identities [--honest N] [--rounds R] [--json]
N honest members with a record, 2 to 256, defaults to 24, a full cohort. R rounds, 1 to 100, defaults to 8.`;

export interface IdentitiesSettings {
  readonly honest: number;
  readonly rounds: number;
  readonly json: boolean;
}

/** Reads the command line. Throws UsageError; undefined asks for help. */
export function parseIdentitiesSettings(argv: readonly string[]): IdentitiesSettings | undefined {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        honest: { type: 'string', default: '24' },
        rounds: { type: 'string', default: '8' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    USAGE,
  );
  if (values.help) return undefined;
  return {
    honest: wholeNumber('--honest', values.honest, 2, 256),
    rounds: wholeNumber('--rounds', values.rounds, 1, 100),
    json: values.json,
  };
}
