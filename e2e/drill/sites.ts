import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';

/** Where the servers are, in a block of addresses for documentation (RFC 5737). */
export const SERVER = '203.0.113.1';
/** Where the TURN server is. */
export const TURN_SERVER = '203.0.113.2';
/** First address of the routers' outer sides. */
const ROUTERS = 11;

/**
 * A home has no IPv6. Else its device gets an address of its own a second after it is up, which Chromium
 * takes for a change of networks: it gives up what it is loading then.
 */
const NO_IPV6 = `
for scope in all default; do
  file=/proc/sys/net/ipv6/conf/$scope/disable_ipv6
  [ ! -e $file ] || echo 1 > $file
done
`;

/**
 * What stands between a device and the public network (RFC 4787). `cone` keeps the port of a device for all
 * its partners and lets in only those that were asked. `symmetric` takes a random port for each partner.
 * `no-udp` is a cone that passes no UDP on.
 */
export type RouterKind = 'cone' | 'symmetric' | 'no-udp';

/** A device's place in a home network behind a router of its own. */
export interface Site {
  readonly router: RouterKind;
  /** The router's public address. */
  readonly address: string;
  /** An executable file that starts `program` there. */
  wrapper(program: string): Promise<string>;
}

/**
 * A public network and homes behind routers, each a network namespace. It takes the whole network of this
 * process, so it is for a sandbox only, which also removes it.
 */
export class Sites {
  readonly #folder: string;
  readonly #holders: ChildProcess[] = [];
  #count = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the public network. `folder` gets small files. Rejects with ProgramError. */
  static async open(folder: string): Promise<Sites> {
    await run('ip', ['link', 'set', 'lo', 'up']);
    await run('ip', ['link', 'add', 'public', 'type', 'bridge']);
    for (const address of [SERVER, TURN_SERVER])
      await run('ip', ['address', 'add', `${address}/24`, 'dev', 'public']);
    await run('ip', ['link', 'set', 'public', 'up']);
    const sites = new Sites(folder);
    await sites.#addElsewhere();
    return sites;
  }

  /** Adds a home. All homes have the same addresses inside, as real ones do. Rejects with ProgramError. */
  async add(router: RouterKind): Promise<Site> {
    const number = this.#count++;
    const address = `203.0.113.${ROUTERS + number}`;
    const [outer, inner] = [this.#namespace(), this.#namespace()];
    const cable = `router${number}`;
    await within(inner, 'sh', ['-c', NO_IPV6]);
    await run('ip', ['link', 'add', cable, 'type', 'veth', 'peer', 'name', 'wan', 'netns', String(outer)]);
    await run('ip', ['link', 'set', cable, 'master', 'public', 'up']);
    await within(outer, 'ip', [
      ...['link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'lan', 'netns', String(inner)],
    ]);
    await configure(outer, { wan: `${address}/24`, lan: '192.168.1.1/24' });
    await within(outer, 'sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    await within(outer, 'nft', ['-f', '-'], rulesOf(router));
    await configure(inner, { lan: '192.168.1.2/24' });
    await within(inner, 'ip', ['route', 'add', 'default', 'via', '192.168.1.1']);
    return {
      router,
      address,
      wrapper: async (program) => {
        const file = join(this.#folder, `home-${number}`);
        await writeFile(file, `#!/bin/sh\nexec nsenter --net=/proc/${inner}/ns/net '${program}' "$@"\n`);
        await chmod(file, 0o755);
        return file;
      },
    };
  }

  /**
   * The rest of the world, which swallows everything. coturn closes a socket whose packet to a private
   * address has no route at all.
   */
  async #addElsewhere(): Promise<void> {
    const space = this.#namespace();
    await run('ip', [
      ...['link', 'add', 'elsewhere', 'type', 'veth', 'peer', 'name', 'nowhere', 'netns', String(space)],
    ]);
    await within(space, 'ip', ['link', 'set', 'nowhere', 'up']);
    // Nobody there would answer to ARP.
    await run('ip', ['link', 'set', 'elsewhere', 'arp', 'off', 'up']);
    await run('ip', ['route', 'add', 'default', 'dev', 'elsewhere']);
  }

  stop(): void {
    for (const holder of this.#holders) holder.kill('SIGKILL');
  }

  /** A network namespace, as the number of a process that keeps it. */
  #namespace(): number {
    const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
    this.#holders.push(holder);
    // Without a process `nsenter` would go into the namespace of process 0.
    if (holder.pid === undefined) throw new Error('No process could be started for a network.');
    return holder.pid;
  }
}

function within(
  namespace: number,
  program: string,
  argv: readonly string[],
  input?: string,
): Promise<string> {
  return run('nsenter', [`--net=/proc/${namespace}/ns/net`, program, ...argv], input);
}

async function configure(namespace: number, devices: Readonly<Record<string, string>>): Promise<void> {
  await within(namespace, 'ip', ['link', 'set', 'lo', 'up']);
  for (const [device, address] of Object.entries(devices)) {
    await within(namespace, 'ip', ['address', 'add', address, 'dev', device]);
    await within(namespace, 'ip', ['link', 'set', device, 'up']);
  }
}

/**
 * The router's rules for nftables. Linux keeps the port of a masqueraded connection where it can. What comes
 * from outside unasked is dropped before the kernel remembers it, as a home router does: remembered, it would
 * occupy the port pair that the device needs for its own packet to the same partner.
 */
function rulesOf(router: RouterKind): string {
  return `
table ip home {
  chain leaving {
    type nat hook postrouting priority srcnat
    oifname "wan" masquerade${router === 'symmetric' ? ' random,fully-random' : ''}
  }
  chain arriving {
    type filter hook input priority filter
    iifname "wan" ct state new drop
  }
  chain passing {
    type filter hook forward priority filter
    iifname "wan" ct state new drop
    ${router === 'no-udp' ? 'meta l4proto udp drop' : ''}
  }
}
`;
}
