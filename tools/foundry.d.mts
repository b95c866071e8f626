export type FoundryTool = 'forge' | 'anvil' | 'cast';
export function foundryBinary(tool: FoundryTool): string | undefined;
export function runFoundry(
  tool: FoundryTool,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): number;
