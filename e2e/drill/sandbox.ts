import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs that the drill runs, with the Debian packages that have them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  ip: 'iproute2',
  nft: 'nftables',
  turnserver: 'coturn',
};

/** Network, processes and mounts of their own, which are gone with the first process in them. */
const NAMESPACES: readonly string[] = ['--net', '--pid', '--mount-proc', '--fork', '--kill-child'];

/** The system keeps its administration programs where a person's PATH does not look. */
const PATH = [process.env.PATH ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter);

/** Root needs no user namespace, which some systems forbid. */
function flags(): readonly string[] {
  return process.getuid?.() === 0 ? NAMESPACES : ['--user', '--map-root-user', ...NAMESPACES];
}

/** Why the drill cannot run on this machine, with the remedy. Undefined where it can. */
export function whyNoSandbox(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are Linux’s; run the drill there';
  const missing = Object.keys(PROGRAMS).filter((program) => !isInstalled(program));
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((program) => PROGRAMS[program]))].join(' ');
    return `${missing.join(', ')} not installed; run apt-get install --no-install-recommends ${packages}`;
  }
  const script = 'ip link add probe type bridge && nft add table ip probe && nft list ruleset';
  const { status, stderr } = spawnSync('unshare', [...flags(), 'sh', '-c', script], {
    env: { ...process.env, PATH },
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  return `this machine gives no network namespace (${String(stderr).trim().split('\n')[0]}); run the drill as root`;
}

export interface SandboxOptions {
  readonly program: string;
  readonly argv: readonly string[];
  /** For temporary files of the program and of what it starts. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** How long the program may take to end after the signal, in ms. Defaults to 10,000. */
  readonly graceMs?: number;
}

/**
 * Runs a program in namespaces of its own. Its networks, rules and processes are gone when it ends, or when
 * this process does, in whatever way. Resolves with its exit code.
 */
export function runInSandbox(options: SandboxOptions): Promise<number> {
  const { program, argv, folder, signal, graceMs = 10_000 } = options;
  return new Promise((resolve, reject) => {
    const spawning: SpawnOptions = {
      // The channel tells the program when this process is gone.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, PATH, TMPDIR: folder },
    };
    const child = spawn('unshare', [...flags(), program, ...argv], spawning);
    const stop = (): void => void child.disconnect();
    const kill = (): void => void child.kill('SIGKILL');
    let late: NodeJS.Timeout | undefined;
    signal.addEventListener('abort', () => {
      if (child.connected) stop();
      late = setTimeout(kill, graceMs);
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(late);
      resolve(code ?? 1);
    });
  });
}

function isInstalled(program: string): boolean {
  return PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
