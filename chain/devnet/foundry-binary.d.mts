export type FoundryTool = 'forge' | 'anvil' | 'cast';
export function foundryBinary(tool: FoundryTool): string | undefined;
