/**
 * Adds to the built page what a host needs beside it: files of headers, and the network file where one is
 * named. `npm run build` runs it.
 *
 *   npx tsx node/site/write-site.ts --site DIR [--network NETWORK.JSON]
 */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseCommandLine, runProcess } from '../home/command-line.ts';
import { readNetworkFile } from '../home/network-file.ts';
import { HOST_FILES, HOST_FORMS, hostFile } from './host-files.ts';

await runProcess(async () => {
  const { values } = parseCommandLine(
    { options: { site: { type: 'string', default: 'dist' }, network: { type: 'string', default: '' } } },
    'write-site.ts --site DIR [--network NETWORK.JSON]',
  );
  const { site } = values;
  const network = values.network === '' ? 'unknown' : await readNetworkFile(values.network);
  for (const form of HOST_FORMS) {
    const path = join(site, HOST_FILES[form]);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, hostFile(form, network));
  }
  // GitHub Pages leaves out files whose name begins with _, unless it finds this one.
  await writeFile(join(site, '.nojekyll'), '');
  const copy = join(site, 'network.json');
  if (network === 'unknown') await rm(copy, { force: true });
  else await copyFile(values.network, copy);
  return 0;
});
