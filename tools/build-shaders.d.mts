export function link(name: string, source: string, load: (module: string) => string): string;
export function kernelTable(kernels: readonly (readonly [kernel: string, source: string])[]): string;
export function buildShaders(): number;
