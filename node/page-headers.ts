/**
 * Prints the security headers for whoever serves the built page from a host of their own.
 *
 *   npx tsx node/page-headers.ts network.json
 */
import { pageHeaders } from './devnet/page-headers.ts';
import { parseCommandLine, runProcess, UsageError } from './home/command-line.ts';
import { readNetworkFile } from './home/network-file.ts';

const HELP = 'page-headers.ts NETWORK.JSON';

await runProcess(async () => {
  const { positionals } = parseCommandLine({ options: {}, allowPositionals: true }, HELP);
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new UsageError(HELP);
  const headers = pageHeaders({ network: await readNetworkFile(file) });
  for (const [name, value] of Object.entries(headers)) console.log(`${name}: ${value}`);
  return 0;
});
