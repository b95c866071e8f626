import {
  type Abi,
  type Address,
  concat,
  encodeDeployData,
  getContractAddress,
  type Hex,
  hexToBytes,
  size,
  stringToHex,
} from 'viem';
import type { RollupContracts } from '../../protocol/rollup.ts';
import * as abis from '../generated/abi.ts';
import * as code from '../generated/bytecode.ts';
import * as runtime from '../generated/runtime.ts';
import type { DisputeSettings } from './dispute-settings.ts';
import { PROXY } from './proxy.ts';
import type { Runtime } from './runtime-code.ts';

/** The salt of every deployment that names none. */
const DEFAULT_SALT: Hex = stringToHex('starling', { size: 32 });

/** One contract that is to stand at a known address. */
export interface PlannedContract {
  readonly name: string;
  readonly address: Address;
  /** Calldata for the deterministic deployment proxy: salt and creation code. */
  readonly data: Hex;
  readonly runtime: Runtime;
  /** Gas that its deployment takes, estimated without asking the chain. */
  readonly gas: number;
}

export interface DeployedAddresses {
  readonly identity: Address;
  readonly swarms: Address;
  readonly participation: Address;
  readonly rollup: Required<RollupContracts>;
}

export interface DeploymentPlan {
  /** In an order in which each contract stands before those that need it. */
  readonly contracts: readonly PlannedContract[];
  readonly addresses: DeployedAddresses;
}

/**
 * Every contract with the address that CREATE2 gives it. The address follows from the salt, the code and the
 * constructor's arguments alone, so it is the same on every chain and for every account.
 */
export function planDeployment(options: {
  readonly disputes: DisputeSettings;
  /** 32 bytes. Another salt makes other addresses. Defaults to DEFAULT_SALT. */
  readonly salt?: Hex;
}): DeploymentPlan {
  const { disputes: game, salt = DEFAULT_SALT } = options;
  const contracts: PlannedContract[] = [];
  const add = (
    name: string,
    abi: Abi,
    bytecode: Hex,
    made: Runtime,
    ...args: readonly unknown[]
  ): Address => {
    const creation = encodeDeployData({ abi, bytecode, args });
    const address = getContractAddress({ opcode: 'CREATE2', from: PROXY, salt, bytecode: creation });
    const data = concat([salt, creation]);
    const lower = address.toLowerCase() as Address;
    contracts.push({ name, address: lower, data, runtime: made, gas: gasOf(data, made) });
    return lower;
  };
  const identity = add('Identity', abis.identityAbi, code.identityBytecode, runtime.identityRuntime);
  const swarms = add('Swarms', abis.swarmsAbi, code.swarmsBytecode, runtime.swarmsRuntime);
  const participation = add(
    ...(['Participation', abis.participationAbi, code.participationBytecode] as const),
    ...([runtime.participationRuntime, identity, swarms] as const),
  );
  const judge = add('Judge', abis.judgeAbi, code.judgeBytecode, runtime.judgeRuntime);
  const payments = add('Payments', abis.paymentsAbi, code.paymentsBytecode, runtime.paymentsRuntime);
  const descriptions = add(
    ...(['Descriptions', abis.descriptionsAbi, code.descriptionsBytecode] as const),
    runtime.descriptionsRuntime,
  );
  const disputes = add(
    ...(['Disputes', abis.disputesAbi, code.disputesBytecode, runtime.disputesRuntime, judge] as const),
    ...([game.window, game.stepSeconds, game.budget, game.extension, game.moveBond] as const),
  );
  const ownership = add(
    ...(['Ownership', abis.ownershipAbi, code.ownershipBytecode, runtime.ownershipRuntime] as const),
    payments,
  );
  const jobs = add(
    ...(['Jobs', abis.jobsAbi, code.jobsBytecode, runtime.jobsRuntime] as const),
    ...([payments, disputes, ownership] as const),
  );
  const trainingRecord = add(
    ...(['TrainingRecord', abis.trainingRecordAbi, code.trainingRecordBytecode] as const),
    ...([runtime.trainingRecordRuntime, disputes] as const),
  );
  const crowdfund = add(
    ...(['Crowdfund', abis.crowdfundAbi, code.crowdfundBytecode, runtime.crowdfundRuntime] as const),
    jobs,
  );
  const handoffs = add(
    ...(['Handoffs', abis.handoffsAbi, code.handoffsBytecode, runtime.handoffsRuntime] as const),
    ...([payments, disputes] as const),
  );
  const hopShares = add(
    ...(['HopShares', abis.hopSharesAbi, code.hopSharesBytecode, runtime.hopSharesRuntime] as const),
    handoffs,
  );
  const rollup = {
    ...{ judge, disputes, payments, ownership, jobs, crowdfund, trainingRecord, descriptions },
    ...{ handoffs, hopShares },
  };
  return { contracts, addresses: { identity, swarms, participation, rollup } };
}

/**
 * What a deployment takes: the transaction, its calldata (EIP-2028, and EIP-7623 where that is more), the
 * creation (EIP-3860), 200 for each byte that stays, and 120,000 for what the constructors read and write.
 */
function gasOf(data: Hex, { code: stays }: Runtime): number {
  const bytes = hexToBytes(data);
  const zeros = bytes.reduce((sum, byte) => sum + (byte === 0 ? 1 : 0), 0);
  const tokens = zeros + 4 * (bytes.length - zeros);
  const running = 32_000 + 2 * Math.ceil(bytes.length / 32) + 200 * size(stays) + 120_000;
  return 21_000 + Math.max(4 * tokens + running, 10 * tokens);
}
