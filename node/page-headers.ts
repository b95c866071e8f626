/**
 * Prints the security headers for whoever serves the built page from a host of their own, plainly or as the
 * file of a host.
 *
 *   npx tsx node/page-headers.ts network.json [--for _headers|nginx|caddy]
 */
import { parseCommandLine, runProcess, UsageError } from './home/command-line.ts';
import { readNetworkFile } from './home/network-file.ts';
import { HOST_FORMS, hostFile, siteHeaders } from './site/host-files.ts';

const HELP = 'page-headers.ts NETWORK.JSON [--for _headers|nginx|caddy]';

await runProcess(async () => {
  const { positionals, values } = parseCommandLine(
    { options: { for: { type: 'string' } }, allowPositionals: true },
    HELP,
  );
  const [file] = positionals;
  const form = HOST_FORMS.find((each) => each === values.for);
  if (file === undefined || positionals.length > 1) throw new UsageError(HELP);
  if (values.for !== undefined && form === undefined) throw new UsageError(HELP);
  const network = await readNetworkFile(file);
  if (form === undefined)
    for (const [name, value] of Object.entries(siteHeaders(network))) console.log(`${name}: ${value}`);
  else process.stdout.write(hostFile(form, network));
  return 0;
});
