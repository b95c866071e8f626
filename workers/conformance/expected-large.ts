export const EXPECTED_LARGE: Readonly<Record<string, string>> = {};
