import type { Network } from '../../../protocol/network-file.ts';

const address = (byte: string) => `0x${byte.repeat(20)}` as const;

/** A network that nobody runs, with contracts of paid training. */
export const SIMULATED_NETWORK: Network = {
  name: 'Local network',
  page: null,
  rpc: 'http://127.0.0.1:1',
  chainId: 31_337,
  contracts: { identity: address('11'), swarms: address('33'), participation: address('22') },
  swarm: 0,
  rollup: {
    judge: address('33'),
    disputes: address('44'),
    payments: address('55'),
    ownership: address('66'),
    jobs: address('77'),
    crowdfund: address('88'),
    trainingRecord: address('99'),
    descriptions: address('aa'),
  },
  relays: [],
  iceServers: [],
  local: false,
  walletConnectProjectId: null,
  modelHosts: [],
  explorer: null,
};
