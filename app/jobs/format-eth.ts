import { formatEther } from 'viem';

/** An amount of wei in ETH with as many digits as a person reads: `0 ETH`, `0.0123 ETH`, `1.5 ETH`. */
export function formatEth(wei: bigint): string {
  const value = Number(formatEther(wei));
  if (value === 0) return '0 ETH';
  const digits = value >= 1 ? value.toFixed(3) : value.toPrecision(3);
  return `${digits.replace(/\.?0+$/, '')} ETH`;
}
