import { existsSync, readdirSync } from 'node:fs';
import { run } from '../command.mjs';

const PROGRAMS = {
  chromium: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
  'mesa-vulkan-drivers': ['/usr/share/vulkan/icd.d'],
  libvulkan1: [
    '/usr/lib/x86_64-linux-gnu/libvulkan.so.1',
    '/usr/lib/aarch64-linux-gnu/libvulkan.so.1',
    '/usr/lib64/libvulkan.so.1',
    '/usr/lib/libvulkan.so.1',
  ],
};

/**
 * For the drill of NATs. coturn is a service that Debian starts by itself, so it is installed in CI alone; on
 * a person's machine the drill is skipped and names what it lacks.
 */
const IN_CI = {
  coturn: ['/usr/bin/turnserver'],
  iproute2: ['/usr/bin/ip', '/usr/sbin/ip', '/sbin/ip'],
  nftables: ['/usr/sbin/nft', '/sbin/nft'],
};

/** Debian packages that the tests use and this machine lacks. */
function missingSystemPackages() {
  const missing = [];
  const programs = process.env.CI === 'true' ? { ...PROGRAMS, ...IN_CI } : PROGRAMS;
  for (const [name, paths] of Object.entries(programs)) {
    if (name === 'chromium' && process.env.CHROMIUM !== undefined && existsSync(process.env.CHROMIUM))
      continue;
    const found =
      name === 'mesa-vulkan-drivers'
        ? paths.some(
            (path) => existsSync(path) && readdirSync(path).some((file) => file.startsWith('lvp_icd')),
          )
        : paths.some(existsSync);
    if (!found) missing.push(name);
  }
  return missing;
}

/**
 * Installs through apt what is missing, where that needs no question (as root, or with a sudo that asks
 * nothing). Returns what is still missing, with the command a person can run.
 */
export async function ensureSystemPackages(report) {
  let missing = missingSystemPackages();
  if (missing.length === 0) return { missing, advice: '' };
  const advice = `sudo apt-get install --no-install-recommends ${missing.join(' ')}`;
  const elevate = await elevation();
  if (elevate === undefined) return { missing, advice };
  report(`installing ${missing.join(', ')} with apt-get`);
  const apt = async (...argv) =>
    (
      await run(
        elevate[0] ?? 'apt-get',
        [...elevate.slice(1), ...(elevate.length > 0 ? ['apt-get'] : []), ...argv],
        {
          env: { DEBIAN_FRONTEND: 'noninteractive' },
          limitMs: 300_000,
        },
      )
    ).code;
  await apt('update', '-qq');
  await apt('install', '-y', '-qq', '--no-install-recommends', ...missing);
  missing = missingSystemPackages();
  return { missing, advice };
}

/**
 * How to run apt-get here: [] as root, ['sudo', '-n'] with a quiet sudo, undefined when neither is possible.
 */
async function elevation() {
  if (!existsSync('/usr/bin/apt-get')) return undefined;
  if (process.getuid?.() === 0) return [];
  try {
    return (await run('sudo', ['-n', 'true'])).code === 0 ? ['sudo', '-n'] : undefined;
  } catch {
    return undefined;
  }
}
