import { describe, expect, it } from 'vitest';
import { fetchNetwork, NetworkFileError, parseNetwork } from './network-file.ts';
import { endlessAnswer } from './testing/endless-answer.ts';

const file = {
  page: 'http://127.0.0.1:5173/',
  rpc: 'http://127.0.0.1:8545',
  chainId: 31337,
  contracts: {
    identity: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
    swarms: '0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0',
    participation: '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512',
  },
  relays: ['/ip4/127.0.0.1/tcp/9001/ws/p2p/16Uiu2HAm'],
};

describe('network file', () => {
  it('reads what npm start writes', () => {
    expect(parseNetwork(file)).toMatchObject({
      name: 'Local network',
      local: true,
      chainId: 31337,
      contracts: { identity: '0x5fbdb2315678afecb367f032d93f642f64180aa3' },
      walletConnectProjectId: null,
      explorer: null,
    });
  });

  it('names whence models may come, by itself Hugging Face', () => {
    expect(parseNetwork(file).modelHosts).toContain('https://huggingface.co');
    const modelHosts = ['https://models.example', 'https://*.models.example:8443', 'http://127.0.0.1:9000'];
    expect(parseNetwork({ ...file, modelHosts }).modelHosts).toEqual(modelHosts);
    expect(parseNetwork({ ...file, modelHosts: [] }).modelHosts).toEqual([]);
  });

  it('has the STUN and TURN servers that it names, and no others', () => {
    expect(parseNetwork(file).iceServers).toEqual([]);
    const iceServers = [{ urls: ['stun:stun.example:3478'] }];
    expect(parseNetwork({ ...file, iceServers }).iceServers).toEqual([
      { kind: 'stun', urls: ['stun:stun.example:3478'] },
    ]);
  });

  it('takes a public chain as not local unless it says so', () => {
    expect(parseNetwork({ ...file, chainId: 685_689 })).toMatchObject({ local: false, name: 'Chain 685689' });
    expect(parseNetwork({ ...file, chainId: 685_689, local: true, name: 'Bench' })).toMatchObject({
      local: true,
      name: 'Bench',
    });
  });

  it('has all contracts of paid training, in lower case, or none of them', () => {
    const address = `0x${'B'.repeat(40)}`;
    const rollup = {
      judge: address,
      disputes: address,
      payments: address,
      ownership: address,
      jobs: address,
      crowdfund: address,
      trainingRecord: address,
      descriptions: address,
    };
    expect(parseNetwork(file).rollup).toBeUndefined();
    expect(parseNetwork({ ...file, rollup }).rollup?.jobs).toBe(`0x${'b'.repeat(40)}`);
    const { jobs: _, ...without } = rollup;
    expect(() => parseNetwork({ ...file, rollup: without })).toThrow('no usable rollup.jobs');
  });

  it.each([
    ['nothing', null, 'content'],
    ['no contracts', { ...file, contracts: undefined }, 'contracts'],
    [
      'a short address',
      { ...file, contracts: { ...file.contracts, identity: '0x12' } },
      'contracts.identity',
    ],
    ['a script as rpc', { ...file, rpc: 'javascript:alert(1)' }, 'rpc'],
    ['a chain id as text', { ...file, chainId: '31337' }, 'chainId'],
    ['an ICE server of the web', { ...file, iceServers: [{ urls: 'https://a' }] }, 'iceServers[0].urls'],
    ['model hosts that are none', { ...file, modelHosts: ['models.example'] }, 'modelHosts'],
    [
      'model hosts that end a policy',
      { ...file, modelHosts: ['https://a.example; script-src *'] },
      'modelHosts',
    ],
    ['a host that is everywhere', { ...file, modelHosts: ['https://*'] }, 'modelHosts'],
    ['model hosts over http', { ...file, modelHosts: ['http://models.example'] }, 'modelHosts'],
    ['too many model hosts', { ...file, modelHosts: Array(17).fill('https://a.example') }, 'modelHosts'],
    ['relays that are no addresses', { ...file, relays: ['relay.example'] }, 'relays'],
    ['too many relays', { ...file, relays: Array.from({ length: 17 }, () => '/ip4/1.2.3.4') }, 'relays'],
  ])('refuses %s and names the field', (_what, content, field) => {
    expect(() => parseNetwork(content)).toThrow(NetworkFileError);
    expect(() => parseNetwork(content)).toThrow(field);
  });

  it('says what to do when there is no file or no server', async () => {
    const absent: typeof fetch = async () => new Response('{}', { status: 404 });
    const offline: typeof fetch = async () => {
      throw new TypeError('Failed to fetch');
    };
    const broken: typeof fetch = async () => new Response('<html>');
    const address = 'http://127.0.0.1/network.json';
    await expect(fetchNetwork(address, { fetch: absent })).rejects.toThrow('npm start');
    await expect(fetchNetwork(address, { fetch: offline })).rejects.toThrow('cannot be reached');
    await expect(fetchNetwork(address, { fetch: broken })).rejects.toThrow('not JSON');
  });

  it('reads no further than a network file can be long, and no longer than it may take', async () => {
    const { response, read, isCancelled } = endlessAnswer();
    const fetching = fetchNetwork('http://127.0.0.1/network.json', { fetch: async () => response });
    await expect(fetching).rejects.toThrow(NetworkFileError);
    expect(read()).toBeLessThan(70_000);
    expect(isCancelled()).toBe(true);
    // A server that goes silent in the middle.
    const stop = new AbortController();
    const silent = new Response(new ReadableStream({ start: (body) => body.enqueue(new Uint8Array(1)) }));
    const waiting = fetchNetwork('http://127.0.0.1/network.json', {
      ...{ fetch: async () => silent, signal: stop.signal },
    });
    stop.abort(new DOMException('It took too long.', 'TimeoutError'));
    await expect(waiting).rejects.toThrow('broke off');
  });
});
