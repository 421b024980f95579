export function renderTemplate(_source: string, _variables: Record<string, unknown>): string { throw new Error("todo"); }
